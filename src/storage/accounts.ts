import type { UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const KINDS = { user: 0, guest: 1, 'app-service': 2 } as const
export type AccountKind = keyof typeof KINDS
const NAMES_OF_KINDS = Object.keys(KINDS) as AccountKind[]

const COLUMNS =
  'a.user_nid, n.name, a.kind, a.password_hash, a.admin, a.locked, a.suspended, a.deactivated, a.erased, a.created_ts'
const FROM = 'FROM accounts a JOIN names n ON n.nid = a.user_nid'
const BY_USER_ID = `SELECT ${COLUMNS} ${FROM} WHERE n.name = ?`
const BY_NID = `SELECT ${COLUMNS} ${FROM} WHERE a.user_nid = ?`
const ANY = `SELECT 1 AS n FROM accounts WHERE kind <> ${KINDS.guest} LIMIT 1`
const ERASED = 'SELECT user_nid, erased FROM accounts WHERE erased > 0'
const LEAVING = `SELECT a.user_nid, n.name ${FROM} WHERE a.deactivated = 1`
const INSERT = 'INSERT INTO accounts (user_nid, kind, password_hash, admin, created_ts) VALUES (?, ?, ?, ?, ?)'
const SET_PASSWORD = 'UPDATE accounts SET password_hash = ? WHERE user_nid = ?'
const UPGRADE = `UPDATE accounts SET kind = ${KINDS.user}, password_hash = ? WHERE user_nid = ?`
const SET_ADMIN = 'UPDATE accounts SET admin = ? WHERE user_nid = ?'
const SET_LOCKED = 'UPDATE accounts SET locked = ? WHERE user_nid = ?'
const SET_SUSPENDED = 'UPDATE accounts SET suspended = ? WHERE user_nid = ?'
const DEACTIVATE = 'UPDATE accounts SET deactivated = 1, password_hash = NULL, erased = ? WHERE user_nid = ?'
const LEFT = 'UPDATE accounts SET deactivated = 2 WHERE user_nid = ?'

/** An account of this server. */
export interface Account {
  readonly userNid: number
  readonly userId: UserId
  readonly kind: AccountKind
  /** A PHC string; null where nobody can log in with a password. */
  readonly passwordHash: string | null
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  readonly isDeactivated: boolean
  /** What the user sent is kept from those who come later. */
  readonly isErased: boolean
  /** Milliseconds since the Unix epoch. */
  readonly createdTs: number
}

export interface NewAccount {
  readonly userNid: number
  readonly kind: AccountKind
  readonly passwordHash: string | null
  readonly isAdmin: boolean
  readonly createdTs: number
}

interface AccountRow {
  user_nid: number
  name: UserId
  kind: number
  password_hash: string | null
  admin: number
  locked: number
  suspended: number
  deactivated: number
  /** The stream position at that time; 0 where it was not asked for. */
  erased: number
  created_ts: number
}

/** The `accounts` table: the users of this server. */
export class Accounts {
  readonly #db: Database
  #erasures: Promise<Map<number, number>> | undefined

  constructor(db: Database) {
    this.#db = db
  }

  async find(userId: UserId): Promise<Account | undefined> {
    return toAccount(await this.#db.get<AccountRow>(BY_USER_ID, userId))
  }

  async get(userNid: number): Promise<Account | undefined> {
    return toAccount(await this.#db.get<AccountRow>(BY_NID, userNid))
  }

  /** True once anybody but a guest has an account. */
  async any(): Promise<boolean> {
    return (await this.#db.get(ANY)) !== undefined
  }

  /** Deactivated users who have not left all of their rooms yet. */
  async leaving(): Promise<{ userNid: number; userId: UserId }[]> {
    const rows = await this.#db.all<{ user_nid: number; name: UserId }>(LEAVING)
    return rows.map(({ user_nid, name }) => ({ userNid: user_nid, userId: name }))
  }

  /** By the nid of each user who had what they sent erased: the stream position at that time. */
  erasures(): Promise<ReadonlyMap<number, number>> {
    return (this.#erasures ??= this.#loadErasures())
  }

  async #loadErasures(): Promise<Map<number, number>> {
    const rows = await this.#db.all<{ user_nid: number; erased: number }>(ERASED)
    return new Map(rows.map(({ user_nid, erased }) => [user_nid, erased]))
  }

  /** A new account; the batch fails when the user has one. */
  add(batch: Batch, account: NewAccount): void {
    batch.run(INSERT, account.userNid, KINDS[account.kind], account.passwordHash, Number(account.isAdmin), account.createdTs)
  }

  setPassword(batch: Batch, userNid: number, passwordHash: string): void {
    batch.run(SET_PASSWORD, passwordHash, userNid)
  }

  /** Makes a guest a user. */
  upgrade(batch: Batch, userNid: number, passwordHash: string | null): void {
    batch.run(UPGRADE, passwordHash, userNid)
  }

  setAdmin(batch: Batch, userNid: number, isAdmin: boolean): void {
    batch.run(SET_ADMIN, Number(isAdmin), userNid)
  }

  setLocked(batch: Batch, userNid: number, isLocked: boolean): void {
    batch.run(SET_LOCKED, Number(isLocked), userNid)
  }

  setSuspended(batch: Batch, userNid: number, isSuspended: boolean): void {
    batch.run(SET_SUSPENDED, Number(isSuspended), userNid)
  }

  /** Closes the account for good; the user counts as still leaving their rooms until `markLeft`. */
  deactivate(batch: Batch, userNid: number, erase: boolean): void {
    const erasedAt = erase ? Math.max(1, this.#db.position) : 0
    batch.run(DEACTIVATE, erasedAt, userNid)
    batch.onSettled((committed) => {
      if (committed && erase) void this.#erasures?.then((erasures) => erasures.set(userNid, erasedAt))
    })
  }

  markLeft(batch: Batch, userNid: number): void {
    batch.run(LEFT, userNid)
  }
}

function toAccount(row: AccountRow | undefined): Account | undefined {
  if (!row) return undefined
  return {
    userNid: row.user_nid,
    userId: row.name,
    kind: NAMES_OF_KINDS[row.kind] ?? 'user',
    passwordHash: row.password_hash,
    isAdmin: row.admin === 1,
    isLocked: row.locked === 1,
    isSuspended: row.suspended === 1,
    isDeactivated: row.deactivated > 0,
    isErased: row.erased > 0,
    createdTs: row.created_ts,
  }
}
