/** https://spec.matrix.org/v1.19/client-server-api/#password-management */
import { type JsonObject, objectAt } from '../../schemas/json.ts'
import { missingToken, threepidNotFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { Batch } from '../storage/database.ts'
import type { ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { Validations } from '../storage/validations.ts'
import { assertUsablePassword } from './password.ts'
import type { PasswordHasher } from './password-hasher.ts'
import type { Sessions, User } from './sessions.ts'
import { operationId, type UserInteractiveAuth } from './uia.ts'
import { EMAIL_STAGE, provenEmail } from './uia-stages.ts'

type PasswordChange = JsonObject & { new_password: string; logout_devices?: boolean }

interface Deps {
  readonly accounts: Accounts
  readonly thirdPartyIds: ThirdPartyIds
  readonly validations: Validations
  readonly sessions: Sessions
  readonly uia: UserInteractiveAuth
  readonly hasher: PasswordHasher
  /** Addresses can be proven. */
  readonly sendsMail: boolean
}

export class PasswordManagement {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Gives the requester another password, and closes their other sessions unless `logout_devices` is false. */
  async change(requester: Requester, body: PasswordChange): Promise<void> {
    assertUsablePassword(body.new_password)
    await this.#deps.uia.performAsOwner(requester, 'change password', body, async () => {
      const hash = await this.#deps.hasher.hash(body.new_password)
      await this.#replace(requester, hash, body.logout_devices !== false)
    })
  }

  /**
   * Gives a user another password who proves to be the reader of their e-mail, and closes their sessions unless
   * `logout_devices` is false. Throws M_MISSING_TOKEN where there is no mail.
   */
  async reset(body: PasswordChange): Promise<void> {
    if (!this.#deps.sendsMail) throw missingToken()
    assertUsablePassword(body.new_password)
    const operation = { id: operationId('reset password', body), flows: [[EMAIL_STAGE]], proofFor: 'password' as const }
    await this.#deps.uia.perform(operation, objectAt(body, 'auth'), async ({ completed }) => {
      const proof = provenEmail(completed)
      const owner = proof && (await this.#deps.thirdPartyIds.owner(proof))
      if (!owner) throw threepidNotFound()
      const hash = await this.#deps.hasher.hash(body.new_password)
      await this.#replace(owner, hash, body.logout_devices !== false, (batch) => this.#deps.validations.remove(batch, proof.sid))
    })
  }

  #replace(
    user: User & { readonly deviceNid?: number | undefined },
    hash: string,
    logOutDevices: boolean,
    also?: (batch: Batch) => void,
  ): Promise<void> {
    const { accounts, sessions } = this.#deps
    const write = (batch: Batch) => {
      accounts.setPassword(batch, user.userNid, hash)
      also?.(batch)
    }
    return sessions.exclusively(user.userNid, () =>
      logOutDevices ? sessions.closeAll(user, user.deviceNid, write) : sessions.change(user.userNid, write),
    )
  }
}
