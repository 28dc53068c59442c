/** https://spec.matrix.org/v1.19/client-server-api/#account-deactivation */
import type { UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Requester } from '../core/requester.ts'
import type { AccountDataTable } from '../storage/account-data.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import type { ProfileFields } from '../storage/profiles.ts'
import type { ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { Sessions, User } from './sessions.ts'
import type { AccountAddresses, UnbindResult } from './third-party-ids.ts'
import type { UserInteractiveAuth } from './uia.ts'

interface Deps {
  readonly db: Database
  readonly accounts: Accounts
  readonly profiles: ProfileFields
  readonly accountData: Pick<AccountDataTable, 'removeAll'>
  readonly sessions: Sessions
  readonly thirdPartyIds: ThirdPartyIds
  readonly addresses: Pick<AccountAddresses, 'unbindEverything'>
  readonly uia: UserInteractiveAuth
  /** Makes the user leave every room, and reject every invite. Must bear to be called again. */
  readonly leaveAllRooms: (userId: UserId) => Promise<void>
}

export class AccountDeactivation {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Closes the requester's account for good. Answers whether identity servers have forgotten the user's addresses. */
  deactivate(requester: Requester, body: JsonObject & { erase?: boolean }): Promise<UnbindResult> {
    return this.#deps.uia.performAsOwner(requester, 'deactivate', body, () => this.close(requester, body.erase === true))
  }

  /** Closes an account for good, without asking anybody. With `erase`, the profile and account data go, and newcomers see nothing of what was sent. */
  async close(user: User, erase: boolean): Promise<UnbindResult> {
    const { accounts, profiles, accountData, sessions, thirdPartyIds, addresses } = this.#deps
    await sessions.exclusively(user.userNid, () =>
      sessions.closeAll(user, undefined, (batch) => {
        accounts.deactivate(batch, user.userNid, erase)
        thirdPartyIds.removeAll(batch, user.userNid)
        if (!erase) return
        // The server should additionally erase any non-event data associated with the user, such as account data.
        profiles.removeAll(batch, user.userNid)
        accountData.removeAll(batch, user.userNid)
      }),
    )
    await this.#leave(user)
    return addresses.unbindEverything(user)
  }

  /** Makes those leave their rooms who had not left all of them when the server stopped. */
  async resume(): Promise<void> {
    for (const user of await this.#deps.accounts.leaving()) await this.#leave(user)
  }

  async #leave({ userId, userNid }: User): Promise<void> {
    await this.#deps.leaveAllRooms(userId)
    await this.#deps.db.write((batch) => this.#deps.accounts.markLeft(batch, userNid))
  }
}
