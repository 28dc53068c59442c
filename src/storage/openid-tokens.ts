import type { UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const FIND = 'SELECT n.name, o.expires_ts FROM openid_tokens o JOIN names n ON n.nid = o.user_nid WHERE o.hash = ?'
const INSERT = 'INSERT INTO openid_tokens (hash, user_nid, expires_ts) VALUES (?, ?, ?)'
const REMOVE_OLDEST = `DELETE FROM openid_tokens WHERE hash IN (SELECT hash FROM openid_tokens WHERE user_nid = ? ORDER BY expires_ts DESC LIMIT -1 OFFSET ?)`
const REMOVE_EXPIRED = 'DELETE FROM openid_tokens WHERE expires_ts < ?'

/** The `openid_tokens` table. */
export class OpenIdTokens {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Whose token it is, and until when; undefined for one that is not known. */
  async find(hash: string): Promise<{ userId: UserId; expiresTs: number } | undefined> {
    const row = await this.#db.get<{ name: UserId; expires_ts: number }>(FIND, hash)
    return row && { userId: row.name, expiresTs: row.expires_ts }
  }

  add(batch: Batch, hash: string, userNid: number, expiresTs: number): void {
    batch.run(INSERT, hash, userNid, expiresTs)
  }

  /** Keeps the newest of a user's only. */
  removeOldest(batch: Batch, userNid: number, kept: number): void {
    batch.run(REMOVE_OLDEST, userNid, kept)
  }

  removeExpired(batch: Batch, now: number): void {
    batch.run(REMOVE_EXPIRED, now)
  }
}
