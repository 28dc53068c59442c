import { parseJson } from '../core/json-text.ts'
import { RecentCache } from '../core/recent-cache.ts'
import type { UserId } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'
import { StreamIndex } from './stream-index.ts'

const OF_USER = `SELECT p.field, p.value FROM accounts a JOIN names n ON n.nid = a.user_nid
  LEFT JOIN profile_fields p ON p.user_nid = a.user_nid WHERE n.name = ?`
const SET = `INSERT INTO profile_fields (user_nid, field, value) VALUES (?, ?, ?)
  ON CONFLICT (user_nid, field) DO UPDATE SET value = excluded.value`
const REMOVE = 'DELETE FROM profile_fields WHERE user_nid = ? AND field = ?'
const REMOVE_ALL = 'DELETE FROM profile_fields WHERE user_nid = ?'
const CHANGED = `INSERT INTO profile_changes (user_nid, field, position) VALUES (?, ?, ?)
  ON CONFLICT (user_nid, field) DO UPDATE SET position = excluded.position`
const ALL_CHANGED = `INSERT OR REPLACE INTO profile_changes (user_nid, field, position)
  SELECT user_nid, field, ? FROM profile_fields WHERE user_nid = ?`
const CHANGED_SINCE = 'SELECT user_nid, field FROM profile_changes WHERE position > ? AND position <= ?'

const ANY = 'any'

interface Known {
  readonly fields: ReadonlyMap<string, Json>
  /** Of their values as JSON. */
  readonly length: number
}

/** The `profile_fields` and `profile_changes` tables: the profiles of local users, and when they changed. */
export class ProfileFields {
  readonly #db: Database
  /** Every join asks for one, twice. */
  readonly #known = new RecentCache<UserId, Known>({ max: 10_000, maxWeight: 16_000_000, weightOf: ({ length }) => length })

  readonly #changes: StreamIndex<typeof ANY>

  constructor(db: Database) {
    this.#db = db
    this.#changes = new StreamIndex(db.position)
  }

  /** The fields of a local user, or undefined where the user has no account. */
  async ofUser(userId: UserId): Promise<ReadonlyMap<string, Json> | undefined> {
    return this.#known.get(userId)?.fields ?? this.#load(userId)
  }

  /** The fields that have changed with `after < position <= upTo`, those included that are gone. */
  async changedSince(after: number, upTo: number): Promise<{ userNid: number; field: string }[]> {
    if (!this.#changes.mayHaveChanged(ANY, after)) return []
    const rows = await this.#db.all<{ user_nid: number; field: string }>(CHANGED_SINCE, after, upTo)
    return rows.map((row) => ({ userNid: row.user_nid, field: row.field }))
  }

  set(batch: Batch, userNid: number, field: string, value: Json): void {
    batch.run(SET, userNid, field, JSON.stringify(value))
    this.#fieldChanged(batch, userNid, field)
  }

  remove(batch: Batch, userNid: number, field: string): void {
    batch.run(REMOVE, userNid, field)
    this.#fieldChanged(batch, userNid, field)
  }

  removeAll(batch: Batch, userNid: number): void {
    const position = batch.nextPosition()
    batch.run(ALL_CHANGED, position, userNid)
    batch.run(REMOVE_ALL, userNid)
    this.#noteChange(batch, userNid, position)
  }

  #fieldChanged(batch: Batch, userNid: number, field: string): void {
    const position = batch.nextPosition()
    batch.run(CHANGED, userNid, field, position)
    this.#noteChange(batch, userNid, position)
  }

  /** Profiles change seldom, next to how often they are read. */
  #noteChange(batch: Batch, userNid: number, position: number): void {
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      this.#known.clear()
      if (committed) this.#changes.set(ANY, position)
    })
  }

  async #load(userId: UserId): Promise<ReadonlyMap<string, Json> | undefined> {
    const rows = await this.#db.all<{ field: string; value: string } | { field: null; value: null }>(OF_USER, userId)
    if (rows.length === 0) return undefined
    const fields = new Map<string, Json>()
    for (const { field, value } of rows) if (field !== null) fields.set(field, parseJson(value) as Json)
    this.#known.set(userId, { fields, length: rows.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) })
    return fields
  }
}
