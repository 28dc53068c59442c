import type { EventId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import { eventIdBytes } from './event-ids.ts'

const INSERT = 'INSERT OR IGNORE INTO relations (target, position, event_nid, rel_type) VALUES (?, ?, ?, ?)'
const COLUMNS = 'position, event_nid, rel_type'
const BACKWARDS = `SELECT ${COLUMNS} FROM relations WHERE target = ? AND position > ? AND position <= ? ORDER BY position DESC LIMIT ?`
const FORWARDS = `SELECT ${COLUMNS} FROM relations WHERE target = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`

/** An event that relates to another one. */
export interface Relation {
  readonly position: number
  readonly nid: number
  readonly relType: string
}

/** The `relations` table: which events relate to which. */
export class Relations {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Notes that the event at a position of its room's timeline relates to `target`. */
  add(batch: Batch, target: EventId, position: number, eventNid: number, relType: string): void {
    batch.run(INSERT, eventIdBytes(target), position, eventNid, relType)
  }

  /** Up to `limit` relations to an event with `after < position <= upTo`: backwards the last of them, the newest first. */
  async of(target: EventId, direction: 'f' | 'b', after: number, upTo: number, limit: number): Promise<Relation[]> {
    const sql = direction === 'b' ? BACKWARDS : FORWARDS
    const rows = await this.#db.all<{ position: number; event_nid: number; rel_type: string }>(
      sql,
      eventIdBytes(target),
      after,
      upTo,
      limit,
    )
    return rows.map((row) => ({ position: row.position, nid: row.event_nid, relType: row.rel_type }))
  }
}
