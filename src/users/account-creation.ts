import { localpartOf, type ServerName, type UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { exclusive, invalidUsername, userInUse } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { randomLetters } from '../core/random.ts'
import type { AccountKind, Accounts } from '../storage/accounts.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Names } from '../storage/names.ts'
import type { ProfileFields } from '../storage/profiles.ts'
import type { Credentials, SessionRequest, Sessions } from './sessions.ts'
import { newUserId } from './username.ts'

interface Deps {
  readonly db: Database
  readonly names: Names
  readonly accounts: Accounts
  readonly profiles: ProfileFields
  readonly sessions: Sessions
  readonly clock: Clock
  readonly serverName: ServerName
  /** True for user IDs that an application service keeps for itself. */
  readonly isReserved: (userId: UserId) => boolean
}

/** An account to be made. */
export interface AccountRequest {
  readonly userId: UserId
  readonly kind: AccountKind
  readonly passwordHash: string | null
  readonly isAdmin?: boolean
  /** Defaults to the localpart. */
  readonly displayName?: string | undefined
  /** The guest of this nid becomes the account. */
  readonly upgradeOf?: number | undefined
  /** Undefined where the user is not logged in at once. */
  readonly session: SessionRequest | undefined
  /** Adds to the write that makes the account. */
  readonly also?: (batch: Batch, userNid: number) => void
}

/** Makes accounts, one of each name. */
export class AccountCreation {
  readonly #deps: Deps
  /** So that nobody takes a name between the check that it is free and the write. */
  readonly #queue = new KeyedQueue<UserId>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Answers the credentials of the session that was asked for. Throws M_USER_IN_USE. */
  create(account: AccountRequest): Promise<Credentials | undefined> {
    return this.#queue.run(account.userId, async () => {
      await this.assertFree(account.userId, account.upgradeOf)
      return account.upgradeOf === undefined ? this.#add(account) : this.#upgrade(account, account.upgradeOf)
    })
  }

  /** Throws M_USER_IN_USE where somebody has the name: somebody else than the guest `upgradeOf`, if that is given. */
  async assertFree(userId: UserId, upgradeOf: number | undefined): Promise<void> {
    const account = await this.#deps.accounts.find(userId)
    if (upgradeOf === undefined) {
      if (account) throw userInUse()
    } else if (account?.userNid !== upgradeOf || account.kind !== 'guest') {
      throw invalidUsername('A guest keeps the user name')
    }
  }

  /** The ID of a user who asks for a name. Throws M_INVALID_USERNAME or M_EXCLUSIVE. */
  userIdFor(username: string): UserId {
    const userId = newUserId(username, this.#deps.serverName)
    if (this.#deps.isReserved(userId)) throw exclusive()
    return userId
  }

  randomUserId(): UserId {
    return newUserId(randomLetters(16), this.#deps.serverName)
  }

  async #add({ userId, kind, passwordHash, isAdmin = false, ...request }: AccountRequest): Promise<Credentials | undefined> {
    const { db, names, accounts, profiles, sessions, clock } = this.#deps
    const nids = await names.resolve([userId])
    return db.write((batch) => {
      const userNid = nids.nid(batch, userId)
      accounts.add(batch, { userNid, kind, passwordHash, isAdmin, createdTs: clock.now() })
      profiles.set(batch, userNid, 'displayname', request.displayName ?? localpartOf(userId))
      request.also?.(batch, userNid)
      return request.session && sessions.openNew(batch, { userNid, userId }, request.session)
    })
  }

  /** Guest users can also upgrade their account by going through the ordinary `register` flow. */
  #upgrade({ userId, passwordHash, session, also }: AccountRequest, userNid: number): Promise<Credentials | undefined> {
    const { accounts, sessions } = this.#deps
    const user = { userNid, userId }
    return sessions.exclusively(userNid, async () => {
      await sessions.closeAll(user, undefined, (batch) => {
        accounts.upgrade(batch, userNid, passwordHash)
        also?.(batch, userNid)
      })
      return session && sessions.open(user, session)
    })
  }
}
