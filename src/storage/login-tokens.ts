import type { Batch, Database } from './database.ts'

const INSERT = 'INSERT INTO login_tokens (hash, user_nid, expires_ts) VALUES (?, ?, ?)'
const GET = 'SELECT user_nid FROM login_tokens WHERE hash = ? AND expires_ts > ?'
const REMOVE = 'DELETE FROM login_tokens WHERE hash = ?'
const REMOVE_OLDEST = `DELETE FROM login_tokens WHERE hash IN (SELECT hash FROM login_tokens WHERE user_nid = ? ORDER BY expires_ts DESC LIMIT -1 OFFSET ?)`
const REMOVE_EXPIRED = 'DELETE FROM login_tokens WHERE expires_ts <= ?'

/** The `login_tokens` table. */
export class LoginTokensTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(batch: Batch, hash: string, userNid: number, expiresTs: number): void {
    batch.run(INSERT, hash, userNid, expiresTs)
  }

  /** Whom a token logs in; undefined where it is unknown or has expired by `now`. */
  async owner(hash: string, now: number): Promise<number | undefined> {
    return (await this.#db.get<{ user_nid: number }>(GET, hash, now))?.user_nid
  }

  remove(batch: Batch, hash: string): void {
    batch.run(REMOVE, hash)
  }

  /** Keeps the newest of a user's only. */
  removeOldest(batch: Batch, userNid: number, kept: number): void {
    batch.run(REMOVE_OLDEST, userNid, kept)
  }

  removeExpired(batch: Batch, now: number): void {
    batch.run(REMOVE_EXPIRED, now)
  }
}
