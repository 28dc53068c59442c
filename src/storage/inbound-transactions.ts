import type { ServerName } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const FIND = 'SELECT answer FROM inbound_transactions WHERE origin = ? AND transaction_id = ?'
const INSERT = 'INSERT OR REPLACE INTO inbound_transactions (origin, transaction_id, received_ts, answer) VALUES (?, ?, ?, ?)'
const FORGET = 'DELETE FROM inbound_transactions WHERE received_ts < ?'

/** The `inbound_transactions` table: what other servers have sent us lately, and what we answered. */
export class InboundTransactions {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The answer that a server's transaction has got, as JSON text. */
  async find(origin: ServerName, transactionId: string): Promise<string | undefined> {
    return (await this.#db.get<{ answer: string }>(FIND, origin, transactionId))?.answer
  }

  /** @param receivedTs milliseconds since the Unix epoch */
  add(batch: Batch, origin: ServerName, transactionId: string, receivedTs: number, answer: string): void {
    batch.run(INSERT, origin, transactionId, receivedTs, answer)
  }

  /** Forgets those from before a time. A server sends the next one only when it has our answer to the last. */
  forgetBefore(batch: Batch, time: number): void {
    batch.run(FORGET, time)
  }
}
