import { RecentCache } from '../core/recent-cache.ts'
import type { Batch, Database } from './database.ts'
import { StreamIndex } from './stream-index.ts'

const COLUMNS = 'room_nid, type, content, position'
const GET = `SELECT ${COLUMNS} FROM account_data WHERE user_nid = ? AND room_nid = ? AND type = ?`
const OF_USER = `SELECT ${COLUMNS} FROM account_data WHERE user_nid = ? AND content <> ''`
const OF_ROOM = `SELECT ${COLUMNS} FROM account_data WHERE user_nid = ? AND room_nid = ? AND content <> ''`
const SINCE = `SELECT ${COLUMNS} FROM account_data WHERE user_nid = ? AND position > ? AND position <= ?`
const USAGE = `SELECT count(*) AS entries, coalesce(sum(octet_length(content)), 0) AS bytes FROM account_data
  WHERE user_nid = ? AND content <> ''`
const SET = `INSERT INTO account_data (user_nid, room_nid, type, content, position) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (user_nid, room_nid, type) DO UPDATE SET content = excluded.content, position = excluded.position`
const REMOVE = `UPDATE account_data SET content = '', position = ? WHERE user_nid = ? AND room_nid = ? AND type = ? AND content <> ''`
const FORGET_REMOVED = `DELETE FROM account_data WHERE user_nid = ? AND content = '' AND position <=
  (SELECT position FROM account_data WHERE user_nid = ? AND content = '' ORDER BY position DESC LIMIT 1 OFFSET ?)`
const REMOVE_ALL = 'DELETE FROM account_data WHERE user_nid = ?'

/** The room nid of account data that belongs to no room. */
export const GLOBAL = 0

/** How many removed entries are kept for a user, empty, so that clients hear of their removal. */
const REMOVED_KEPT = 100
const CACHED_ENTRIES = 20_000
const CACHED_CHARACTERS = 40_000_000

/** One type of a user's account data. */
export interface AccountDataEntry {
  /** `GLOBAL` where it belongs to no room. */
  readonly roomNid: number
  readonly type: string
  /** JSON text. */
  readonly content: string
  readonly position: number
}

interface AccountDataRow {
  room_nid: number
  type: string
  content: string
  position: number
}

/** The `account_data` table: what users keep for their own clients, tags and read markers included. */
export class AccountDataTable {
  readonly #db: Database
  /** Entries that were asked for one by one; null where there is none. */
  readonly #entries = new RecentCache<string, { entry: AccountDataEntry | undefined }>({
    max: CACHED_ENTRIES,
    maxWeight: CACHED_CHARACTERS,
    weightOf: ({ entry }) => entry?.content.length ?? 0,
  })
  readonly #changes: StreamIndex<number>

  constructor(db: Database) {
    this.#db = db
    this.#changes = new StreamIndex(db.position)
  }

  async get(userNid: number, roomNid: number, type: string): Promise<AccountDataEntry | undefined> {
    const key = keyOf(userNid, roomNid, type)
    const cached = this.#entries.get(key)
    if (cached) return cached.entry
    const row = await this.#db.get<AccountDataRow>(GET, userNid, roomNid, type)
    const entry = row && row.content !== '' ? toEntry(row) : undefined
    this.#entries.set(key, { entry })
    return entry
  }

  /** All of a user's account data, that of rooms included. */
  async ofUser(userNid: number): Promise<AccountDataEntry[]> {
    return (await this.#db.all<AccountDataRow>(OF_USER, userNid)).map(toEntry)
  }

  /** What a user keeps for one room. */
  async ofRoom(userNid: number, roomNid: number): Promise<AccountDataEntry[]> {
    return (await this.#db.all<AccountDataRow>(OF_ROOM, userNid, roomNid)).map(toEntry)
  }

  /** False where it is certain that the user has changed nothing after a position. */
  mayHaveChanged(userNid: number, after: number): boolean {
    return this.#changes.mayHaveChanged(userNid, after)
  }

  /** What has changed with `after < position <= upTo`; what was removed has the content `{}`. */
  async since(userNid: number, after: number, upTo: number): Promise<AccountDataEntry[]> {
    if (!this.#changes.mayHaveChanged(userNid, after)) return []
    return (await this.#db.all<AccountDataRow>(SINCE, userNid, after, upTo)).map(toEntry)
  }

  /** How much a user keeps in all. */
  async usage(userNid: number): Promise<{ entries: number; bytes: number }> {
    return (await this.#db.get<{ entries: number; bytes: number }>(USAGE, userNid)) ?? { entries: 0, bytes: 0 }
  }

  /** @param content JSON text */
  set(batch: Batch, userNid: number, roomNid: number, type: string, content: string): void {
    const entry = { roomNid, type, content, position: batch.nextPosition() }
    batch.run(SET, userNid, roomNid, type, content, entry.position)
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (!committed) return
      this.#entries.set(keyOf(userNid, roomNid, type), { entry })
      this.#changes.set(userNid, entry.position)
    })
  }

  /** Removes an entry, if there is one: readers of changes still hear of it. */
  remove(batch: Batch, userNid: number, roomNid: number, type: string): void {
    const position = batch.nextPosition()
    batch.run(REMOVE, position, userNid, roomNid, type)
    batch.run(FORGET_REMOVED, userNid, userNid, REMOVED_KEPT)
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (!committed) return
      this.#entries.set(keyOf(userNid, roomNid, type), { entry: undefined })
      this.#changes.set(userNid, position)
    })
  }

  /** Deletes everything that a user keeps. */
  removeAll(batch: Batch, userNid: number): void {
    batch.run(REMOVE_ALL, userNid)
    batch.onSettled(() => this.#entries.clear())
  }
}

const keyOf = (userNid: number, roomNid: number, type: string): string => `${userNid} ${roomNid} ${type}`

function toEntry(row: AccountDataRow): AccountDataEntry {
  return { roomNid: row.room_nid, type: row.type, content: row.content || '{}', position: row.position }
}
