import type { EventId } from '../../schemas/ids.ts'
import type { ChildSummaries } from './child-summaries.ts'
import type { Batch, Database } from './database.ts'
import { eventIdBytes } from './event-ids.ts'

const INSERT = 'INSERT OR IGNORE INTO relations (target, position, event_nid, rel_type) VALUES (?, ?, ?, ?)'
const COLUMNS = 'position, event_nid, rel_type'
const BACKWARDS = `SELECT ${COLUMNS} FROM relations WHERE target = ? AND position > ? AND position <= ? ORDER BY position DESC LIMIT ?`
const FORWARDS = `SELECT ${COLUMNS} FROM relations WHERE target = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`

/** What relates to an event may be pages away from it, so that this goes down from what is on both sides of a position, the nearest first. */
const BELOW = `WITH RECURSIVE
  parameters (target, start, most) AS (VALUES (?, ?, ?)),
  below (position, event_nid, rel_type, depth) AS (
    SELECT * FROM (SELECT ${COLUMNS}, 1 FROM relations, parameters
      WHERE relations.target = parameters.target AND position <= start ORDER BY position DESC LIMIT (SELECT most FROM parameters))
    UNION ALL
    SELECT * FROM (SELECT ${COLUMNS}, 1 FROM relations, parameters
      WHERE relations.target = parameters.target AND position > start ORDER BY position LIMIT (SELECT most FROM parameters))
    UNION ALL
    SELECT child.position, child.event_nid, child.rel_type, below.depth + 1
      FROM below CROSS JOIN events ON events.event_nid = below.event_nid CROSS JOIN relations child ON child.target = events.event_id
      WHERE below.depth < ?
    LIMIT (SELECT 5 * most FROM parameters))
  SELECT DISTINCT ${COLUMNS} FROM below WHERE position > ? AND position <= ? ORDER BY position`

const SET_THREAD = `INSERT INTO threads (room_nid, root, latest) VALUES (?, ?, ?)
  ON CONFLICT (room_nid, root) DO UPDATE SET latest = max(latest, excluded.latest)`
const THREADS = 'SELECT root, latest FROM threads WHERE room_nid = ? AND latest <= ? ORDER BY latest DESC LIMIT ?'

/** An event that relates to another one. */
export interface Relation {
  readonly position: number
  readonly nid: number
  readonly relType: string
}

interface RelationRow {
  position: number
  event_nid: number
  rel_type: string
}

/** The `relations` table: which events relate to which. */
export class Relations {
  readonly #db: Database
  readonly #summaries: ChildSummaries

  constructor(db: Database, summaries: ChildSummaries) {
    this.#db = db
    this.#summaries = summaries
  }

  /** Notes that an event is made here, to which nothing can relate yet. */
  begin(eventId: EventId): void {
    this.#summaries.begin(eventId)
  }

  /** Notes that the event at a position of its room's timeline relates to `target`. */
  add(batch: Batch, roomNid: number, target: EventId, position: number, eventNid: number, relType: string): void {
    const bytes = eventIdBytes(target)
    batch.run(INSERT, bytes, position, eventNid, relType)
    if (relType === 'm.thread') batch.run(SET_THREAD, roomNid, bytes, position)
    this.#summaries.grow(batch, target, position)
  }

  /** Up to `limit` relations to an event with `after < position <= upTo`: backwards the last of them, the newest first. */
  async of(target: EventId, direction: 'f' | 'b', after: number, upTo: number, limit: number): Promise<Relation[]> {
    const sql = direction === 'b' ? BACKWARDS : FORWARDS
    return (await this.#db.all<RelationRow>(sql, eventIdBytes(target), after, upTo, limit)).map(toRelation)
  }

  /**
   * As `of`, with those to what relates to the event, down to a depth. Of what is nearest to the start of the range, `limit`
   * relations are looked at on both sides, and four times as many below them.
   */
  async below(
    target: EventId,
    direction: 'f' | 'b',
    after: number,
    upTo: number,
    limit: number,
    depth: number,
  ): Promise<Relation[]> {
    const start = direction === 'b' ? upTo : after
    const sql = `${BELOW}${direction === 'b' ? ' DESC' : ''} LIMIT ?`
    return (await this.#db.all<RelationRow>(sql, eventIdBytes(target), start, limit, depth, after, upTo, limit)).map(toRelation)
  }

  /** A room's threads whose last event is at a position or before it, the latest first. `root` is the root's id as it is stored. */
  async threads(roomNid: number, upTo: number, limit: number): Promise<{ root: Uint8Array; latest: number }[]> {
    return this.#db.all(THREADS, roomNid, upTo, limit)
  }
}

const toRelation = (row: RelationRow): Relation => ({ position: row.position, nid: row.event_nid, relType: row.rel_type })
