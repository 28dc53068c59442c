import type { Batch, Database } from './database.ts'

const GET = 'SELECT messages_per_second, burst_count FROM rate_limit_overrides WHERE user_nid = ?'
const SET = `INSERT INTO rate_limit_overrides (user_nid, messages_per_second, burst_count) VALUES (?, ?, ?)
  ON CONFLICT (user_nid) DO UPDATE SET messages_per_second = excluded.messages_per_second, burst_count = excluded.burst_count`
const REMOVE = 'DELETE FROM rate_limit_overrides WHERE user_nid = ?'

/** What holds for one user in place of the configured limit on messages; both 0 where nothing limits them, in whatever they do. */
export interface RateLimitOverride {
  readonly messagesPerSecond: number
  readonly burstCount: number
}

/** The `rate_limit_overrides` table. */
export class RateLimitOverrides {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async get(userNid: number): Promise<RateLimitOverride | undefined> {
    const row = await this.#db.get<{ messages_per_second: number; burst_count: number }>(GET, userNid)
    return row && { messagesPerSecond: row.messages_per_second, burstCount: row.burst_count }
  }

  set(batch: Batch, userNid: number, { messagesPerSecond, burstCount }: RateLimitOverride): void {
    batch.run(SET, userNid, messagesPerSecond, burstCount)
  }

  remove(batch: Batch, userNid: number): void {
    batch.run(REMOVE, userNid)
  }
}
