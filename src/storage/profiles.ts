import { parseJson } from '../core/json-text.ts'
import { RecentCache } from '../core/recent-cache.ts'
import type { UserId } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'

const OF_USER = `SELECT p.field, p.value FROM accounts a JOIN names n ON n.nid = a.user_nid
  LEFT JOIN profile_fields p ON p.user_nid = a.user_nid WHERE n.name = ?`
const SET = `INSERT INTO profile_fields (user_nid, field, value) VALUES (?, ?, ?)
  ON CONFLICT (user_nid, field) DO UPDATE SET value = excluded.value`
const REMOVE = 'DELETE FROM profile_fields WHERE user_nid = ? AND field = ?'
const REMOVE_ALL = 'DELETE FROM profile_fields WHERE user_nid = ?'

/** The `profile_fields` table: the profiles of local users. */
export class ProfileFields {
  readonly #db: Database
  /** Every join asks for one, twice. */
  readonly #known = new RecentCache<UserId, ReadonlyMap<string, Json>>(10_000)

  constructor(db: Database) {
    this.#db = db
  }

  /** The fields of a local user, or undefined where the user has no account. */
  async ofUser(userId: UserId): Promise<ReadonlyMap<string, Json> | undefined> {
    return this.#known.get(userId) ?? this.#load(userId)
  }

  set(batch: Batch, userNid: number, field: string, value: Json): void {
    batch.run(SET, userNid, field, JSON.stringify(value))
    this.#forgetAfter(batch)
  }

  remove(batch: Batch, userNid: number, field: string): void {
    batch.run(REMOVE, userNid, field)
    this.#forgetAfter(batch)
  }

  removeAll(batch: Batch, userNid: number): void {
    batch.run(REMOVE_ALL, userNid)
    this.#forgetAfter(batch)
  }

  /** Profiles change seldom, next to how often they are read. */
  #forgetAfter(batch: Batch): void {
    batch.onSettled(() => this.#known.clear())
  }

  async #load(userId: UserId): Promise<ReadonlyMap<string, Json> | undefined> {
    const rows = await this.#db.all<{ field: string | null; value: string }>(OF_USER, userId)
    if (rows.length === 0) return undefined
    const fields = new Map<string, Json>()
    for (const { field, value } of rows) if (field !== null) fields.set(field, parseJson(value) as Json)
    this.#known.set(userId, fields)
    return fields
  }
}
