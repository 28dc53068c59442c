import type { Batch, Database } from './database.ts'

const GET = 'SELECT filter FROM filters WHERE user_nid = ? AND filter_id = ?'
const FIND = 'SELECT filter_id FROM filters WHERE user_nid = ? AND filter = ?'
const USAGE =
  'SELECT coalesce(max(filter_id), 0) AS last, coalesce(sum(length(filter)), 0) AS length FROM filters WHERE user_nid = ?'
const INSERT = 'INSERT INTO filters (user_nid, filter_id, filter) VALUES (?, ?, ?)'

/** The `filters` table: filters that clients have uploaded, as JSON text. */
export class Filters {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async get(userNid: number, filterId: number): Promise<string | undefined> {
    return (await this.#db.get<{ filter: string }>(GET, userNid, filterId))?.filter
  }

  /** The id under which the user has stored this very text, or undefined. */
  async find(userNid: number, filter: string): Promise<number | undefined> {
    return (await this.#db.get<{ filter_id: number }>(FIND, userNid, filter))?.filter_id
  }

  /** The highest id of the user's filters, 0 where there is none, and how long they are together. */
  async usage(userNid: number): Promise<{ last: number; length: number }> {
    return (await this.#db.get<{ last: number; length: number }>(USAGE, userNid)) ?? { last: 0, length: 0 }
  }

  add(batch: Batch, userNid: number, filterId: number, filter: string): void {
    batch.run(INSERT, userNid, filterId, filter)
  }
}
