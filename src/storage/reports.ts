import type { UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const INSERT = `INSERT INTO reports (reporter_nid, room_nid, event_nid, user_id, reason, score, reported_ts)
  VALUES (?, ?, ?, ?, ?, ?, ?)`

const SINCE = 'SELECT count(*) AS n FROM reports WHERE reporter_nid = ? AND reported_ts > ?'

/** What a user reports: a room, an event of a room, or a user. */
export interface NewReport {
  readonly reporterNid: number
  readonly roomNid?: number
  readonly eventNid?: number
  readonly userId?: UserId
  readonly reason: string | undefined
  /** From -100, most offensive, to 0; only old clients give one. */
  readonly score?: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly reportedTs: number
}

/** The `reports` table: what users have reported to the server's administrators. */
export class Reports {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** How many a user has made since. */
  async since(reporterNid: number, ts: number): Promise<number> {
    return (await this.#db.get<{ n: number }>(SINCE, reporterNid, ts))?.n ?? 0
  }

  add(batch: Batch, { reporterNid, roomNid, eventNid, userId, reason, score, reportedTs }: NewReport): void {
    batch.run(INSERT, reporterNid, roomNid ?? null, eventNid ?? null, userId ?? null, reason ?? null, score ?? null, reportedTs)
  }
}
