import { RecentCache } from '../core/recent-cache.ts'
import type { Batch, Database } from './database.ts'

const INSERT = 'INSERT INTO timeline (room_nid, position, event_nid) VALUES (?, ?, ?)'
const COLUMNS = 'position, event_nid'
const FORWARDS = `SELECT ${COLUMNS} FROM timeline WHERE room_nid = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`
const BACKWARDS = `SELECT ${COLUMNS} FROM timeline WHERE room_nid = ? AND position > ? AND position <= ? ORDER BY position DESC LIMIT ?`
const LAST = 'SELECT max(position) AS position FROM timeline WHERE room_nid = ?'
const POSITION_OF = 'SELECT position FROM timeline WHERE event_nid = ? AND room_nid = ?'
const ADD_MISSING = 'INSERT OR IGNORE INTO backward_extremities (room_nid, event_id, event_nid) VALUES (?, ?, ?)'
const REMOVE_MISSING = 'DELETE FROM backward_extremities WHERE room_nid = ? AND event_id = ?'
const IS_MISSING = 'SELECT 1 FROM backward_extremities WHERE room_nid = ? AND event_id = ? LIMIT 1'
const MISSING = 'SELECT event_id, event_nid FROM backward_extremities WHERE room_nid = ?'

/** Of events that came live after others of the room, and cite such as are not here. */
const EDGES = `SELECT DISTINCT t.position AS position FROM backward_extremities b
  JOIN timeline t ON t.event_nid = b.event_nid AND t.room_nid = b.room_nid WHERE b.room_nid = ? AND t.position >
  (SELECT min(position) FROM timeline WHERE room_nid = ? AND position > 0) ORDER BY t.position`

/** So many positions are left free for the events of a gap, should they come later. */
const GAP_POSITIONS = 1_000_000
const TAIL_LENGTH = 100
const CACHED_ROOMS = 2_000

/** An event's place in the order in which clients see its room. */
export interface TimelineEntry {
  position: number
  nid: number
}

interface TimelineRow {
  position: number
  event_nid: number
}

/** The last entries of a room: all of those after `floor`, in order. */
interface Tail {
  floor: number
  entries: TimelineEntry[]
}

/** The `timeline` table: which events clients see in a room, and in which order. Negative positions are backfilled history. */
export class Timelines {
  readonly #db: Database
  /** Nids of events that have got a place which is not committed yet. */
  readonly #uncommitted = new Set<number>()
  readonly #tails = new RecentCache<number, Tail>(CACHED_ROOMS)
  readonly #edges = new RecentCache<number, readonly number[]>(CACHED_ROOMS)
  #edgesForgotten = 0

  constructor(db: Database) {
    this.#db = db
  }

  /** Puts a new event at the end of its room's timeline, after a gap where it cites events that are not here; returns its position. */
  append(batch: Batch, roomNid: number, eventNid: number, isAfterGap = false): number {
    if (isAfterGap) batch.skipPositions(GAP_POSITIONS)
    const position = batch.nextPosition()
    batch.run(INSERT, roomNid, position, eventNid)
    batch.touchRoom(roomNid)
    this.#uncommitted.add(eventNid)
    batch.onSettled((committed) => {
      this.#uncommitted.delete(eventNid)
      if (committed) this.#extend(roomNid, { position, nid: eventNid })
    })
    return position
  }

  /** Puts an event from before all that we have at the start of its room's timeline, or one of a gap into a free place; returns its position. */
  insert(batch: Batch, roomNid: number, eventNid: number, place?: number): number {
    const position = place ?? this.#db.drawBackwardsPosition()
    batch.run(INSERT, roomNid, position, eventNid)
    this.#uncommitted.add(eventNid)
    batch.onSettled(() => {
      this.#uncommitted.delete(eventNid)
      this.#tails.delete(roomNid)
    })
    return position
  }

  /** Up to `limit` entries with `after < position <= upTo`: the first of them, in order. */
  async forwards(roomNid: number, after: number, upTo: number, limit: number): Promise<TimelineEntry[]> {
    const tail = this.#tails.get(roomNid)
    if (tail && after >= tail.floor)
      return tail.entries.filter(({ position }) => position > after && position <= upTo).slice(0, limit)
    return (await this.#db.all<TimelineRow & Record<string, number>>(FORWARDS, roomNid, after, upTo, limit)).map(toEntry)
  }

  /** Up to `limit` entries with `after < position <= upTo`: the last of them, the newest first. */
  async backwards(roomNid: number, after: number, upTo: number, limit: number): Promise<TimelineEntry[]> {
    const tail = this.#tails.get(roomNid) ?? (await this.#loadTail(roomNid))
    const found: TimelineEntry[] = []
    for (let i = tail.entries.length - 1; i >= 0 && found.length < limit; i--) {
      const entry = tail.entries[i]
      if (!entry || entry.position <= after) return found
      if (entry.position <= upTo) found.push(entry)
    }
    if (found.length === limit || after >= tail.floor) return found
    const rest = await this.#db.all<TimelineRow & Record<string, number>>(
      BACKWARDS,
      roomNid,
      after,
      Math.min(upTo, tail.floor),
      limit - found.length,
    )
    return [...found, ...rest.map(toEntry)]
  }

  /** The position of the newest event, or undefined for a room without a timeline. */
  async last(roomNid: number): Promise<number | undefined> {
    const newest = this.#tails.get(roomNid)?.entries.at(-1)
    if (newest) return newest.position
    return (await this.#db.get<{ position: number | null }>(LAST, roomNid))?.position ?? undefined
  }

  /**
   * Where an event is in its room's timeline, or undefined where it is not in it (outliers, rejected and soft-failed ones).
   * An event that came live usually has its own nid's neighbourhood as position, but only the table knows.
   */
  async positionOf(roomNid: number, eventNid: number): Promise<number | undefined> {
    const recent = this.#tails.get(roomNid)?.entries.findLast(({ nid }) => nid === eventNid)
    if (recent) return recent.position
    return (await this.#db.get<{ position: number }>(POSITION_OF, eventNid, roomNid))?.position
  }

  /** Whether an event is in its room's timeline, or will be with the next commits. */
  async has(roomNid: number, eventNid: number): Promise<boolean> {
    return this.#uncommitted.has(eventNid) || (await this.positionOf(roomNid, eventNid)) !== undefined
  }

  /** Notes that `eventNid` cites an event that we do not have. */
  addMissing(batch: Batch, roomNid: number, eventId: Uint8Array, eventNid: number): void {
    batch.run(ADD_MISSING, roomNid, eventId, eventNid)
    batch.onSettled(() => this.#forgetEdges(roomNid))
  }

  /** Notes that an event that was missing is here now. */
  removeMissing(batch: Batch, roomNid: number, eventId: Uint8Array): void {
    batch.run(REMOVE_MISSING, roomNid, eventId)
    if (this.#edges.get(roomNid)?.length !== 0) batch.onSettled(() => this.#forgetEdges(roomNid))
  }

  /**
   * The position of the last event up to `upTo` that has a gap before it: what it cites came while this server was in the room,
   * and is not here. What is missing from before that time is no gap, but history.
   */
  async edge(roomNid: number, upTo: number): Promise<number | undefined> {
    const edges = this.#edges.get(roomNid) ?? (await this.#loadEdges(roomNid))
    return edges.findLast((position) => position <= upTo)
  }

  async #loadEdges(roomNid: number): Promise<readonly number[]> {
    const forgotten = this.#edgesForgotten
    const edges = (await this.#db.all<{ position: number }>(EDGES, roomNid, roomNid)).map(({ position }) => position)
    if (forgotten === this.#edgesForgotten) this.#edges.set(roomNid, edges)
    return edges
  }

  #forgetEdges(roomNid: number): void {
    this.#edgesForgotten++
    this.#edges.delete(roomNid)
  }

  /** Whether an event of ours cites an event that we do not have. */
  async isMissing(roomNid: number, eventId: Uint8Array): Promise<boolean> {
    return (await this.#db.get(IS_MISSING, roomNid, eventId)) !== undefined
  }

  /** The events that we do not have but events of ours cite, each with one that cites it. */
  async missing(roomNid: number): Promise<{ event_id: Uint8Array; event_nid: number }[]> {
    return this.#db.all(MISSING, roomNid)
  }

  #extend(roomNid: number, entry: TimelineEntry): void {
    const tail = this.#tails.get(roomNid)
    if (!tail) return
    tail.entries.push(entry)
    if (tail.entries.length <= TAIL_LENGTH * 2) return
    const dropped = tail.entries.splice(0, TAIL_LENGTH)
    tail.floor = dropped.at(-1)?.position ?? tail.floor
  }

  async #loadTail(roomNid: number): Promise<Tail> {
    const upTo = this.#db.position
    const rows = await this.#db.all<TimelineRow & Record<string, number>>(
      BACKWARDS,
      roomNid,
      Number.MIN_SAFE_INTEGER,
      upTo,
      TAIL_LENGTH,
    )
    const entries = rows.map(toEntry).toReversed()
    const oldest = entries[0]
    const isWhole = entries.length < TAIL_LENGTH || !oldest
    const tail = { floor: isWhole ? Number.MIN_SAFE_INTEGER : oldest.position - 1, entries }
    const meanwhile = this.#tails.get(roomNid)
    if (meanwhile) return meanwhile
    if (upTo === this.#db.position) this.#tails.set(roomNid, tail)
    return tail
  }
}

function toEntry(row: TimelineRow): TimelineEntry {
  return { position: row.position, nid: row.event_nid }
}
