/** Addresses outside of Matrix of the users of this server. https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information */
import { threepidInUse } from '../core/errors.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { Address, Binding, Medium, ThirdPartyId, ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { Validations } from '../storage/validations.ts'
import { canonicalEmail } from './email-address.ts'
import type { EmailValidation } from './email-validation.ts'
import type { IdentityServer, IdentityServers } from './identity-servers.ts'
import type { User } from './sessions.ts'
import type { UserInteractiveAuth } from './uia.ts'

export type UnbindResult = 'success' | 'no-support'

/** A session at this server or at an identity server. */
export interface ProofSession {
  readonly sid: string
  readonly client_secret: string
}

interface Deps {
  readonly db: Database
  readonly thirdPartyIds: ThirdPartyIds
  readonly validations: Validations
  readonly emailValidation: EmailValidation
  readonly identityServers: IdentityServers
  readonly uia: UserInteractiveAuth
}

export class AccountAddresses {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  ofUser(userNid: number): Promise<ThirdPartyId[]> {
    return this.#deps.thirdPartyIds.ofUser(userNid)
  }

  /** Adds the address that a session has proven, once the owner of the account has agreed. Throws M_THREEPID_AUTH_FAILED, M_THREEPID_IN_USE. */
  add(requester: Requester, body: JsonObject & ProofSession): Promise<void> {
    return this.#deps.uia.performAsOwner(requester, 'add address', body, () => this.addProven(requester, body))
  }

  /** The same without asking, for the older endpoint. */
  async addProven({ userNid }: User, { sid, client_secret }: ProofSession): Promise<void> {
    const { db, thirdPartyIds, validations, emailValidation } = this.#deps
    const proven = await emailValidation.proven('add', sid, client_secret)
    const owner = await thirdPartyIds.owner(proven)
    if (owner && owner.userNid !== userNid) throw threepidInUse()
    await db.write((batch) => {
      thirdPartyIds.add(batch, userNid, proven)
      validations.remove(batch, sid)
    })
  }

  /** Has an identity server tell others that an address is the user's. */
  async bind({ userNid, userId }: User, server: IdentityServer, { sid, client_secret }: ProofSession): Promise<void> {
    const { db, thirdPartyIds, identityServers } = this.#deps
    const bound = await identityServers.bind(server, sid, client_secret, userId)
    await db.write((batch) => thirdPartyIds.addBinding(batch, userNid, { ...bound, idServer: server.idServer }))
  }

  /** Takes an address from the account, and undoes its bindings. */
  async remove(user: User, given: Address, idServer: string | undefined): Promise<UnbindResult> {
    const address = canonical(given)
    await this.#deps.db.write((batch) => this.#deps.thirdPartyIds.remove(batch, user.userNid, address))
    return this.unbind(user, address, idServer)
  }

  /** Undoes the bindings of an address: at the identity server named, else at all where the user had it bound. */
  async unbind(user: User, given: Address, idServer: string | undefined): Promise<UnbindResult> {
    const address = canonical(given)
    if (idServer !== undefined) return this.#unbindAll(user, [{ ...address, idServer }])
    const bindings = await this.#deps.thirdPartyIds.bindings(user.userNid)
    return this.#unbindAll(
      user,
      bindings.filter((binding) => binding.medium === address.medium && binding.address === address.address),
    )
  }

  /** Undoes all that the user has had bound. */
  async unbindEverything(user: User): Promise<UnbindResult> {
    return this.#unbindAll(user, await this.#deps.thirdPartyIds.bindings(user.userNid))
  }

  async #unbindAll(user: User, bindings: readonly Binding[]): Promise<UnbindResult> {
    const { db, thirdPartyIds, identityServers } = this.#deps
    let result: UnbindResult = 'success'
    for (const binding of bindings) {
      if (!(await identityServers.unbind(binding.idServer, user.userId, binding))) result = 'no-support'
      await db.write((batch) => thirdPartyIds.removeBinding(batch, user.userNid, binding))
    }
    return result
  }
}

function canonical({ medium, address }: Address): { medium: Medium; address: string } {
  return { medium, address: medium === 'email' ? canonicalEmail(address) : address }
}
