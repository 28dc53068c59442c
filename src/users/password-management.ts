/** https://spec.matrix.org/v1.19/client-server-api/#password-management */
import type { JsonObject } from '../../schemas/json.ts'
import type { Requester } from '../core/requester.ts'
import type { Accounts } from '../storage/accounts.ts'
import { assertUsablePassword } from './password.ts'
import type { PasswordHasher } from './password-hasher.ts'
import type { Sessions } from './sessions.ts'
import type { UserInteractiveAuth } from './uia.ts'

interface Deps {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly uia: UserInteractiveAuth
  readonly hasher: PasswordHasher
}

export class PasswordManagement {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Gives the requester another password, and closes their other sessions unless `logout_devices` is false. */
  async change(requester: Requester, body: JsonObject & { new_password: string; logout_devices?: boolean }): Promise<void> {
    assertUsablePassword(body.new_password)
    await this.#deps.uia.performAsOwner(requester, 'change password', body, async () => {
      const hash = await this.#deps.hasher.hash(body.new_password)
      await this.#replace(requester, hash, body.logout_devices !== false)
    })
  }

  #replace(requester: Requester, hash: string, logOutDevices: boolean): Promise<void> {
    const { accounts, sessions } = this.#deps
    return sessions.exclusively(requester.userNid, () =>
      logOutDevices
        ? sessions.closeAll(requester, requester.deviceNid, (batch) => accounts.setPassword(batch, requester.userNid, hash))
        : sessions.change(requester.userNid, (batch) => accounts.setPassword(batch, requester.userNid, hash)),
    )
  }
}
