import type { Batch, Database } from './database.ts'

const ROOMS = 'SELECT room_nid, max(expires_ts) AS expires_ts FROM sticky_events GROUP BY room_nid'
const ADD = `INSERT OR REPLACE INTO sticky_events (event_nid, room_nid, sender_nid, position, expires_ts) VALUES (?, ?, ?, ?, ?)`
const FORGET_EXPIRED = 'DELETE FROM sticky_events WHERE expires_ts <= ?'
const FORGET_OF_SENDER = `DELETE FROM sticky_events WHERE room_nid = ? AND sender_nid = ? AND event_nid <= (SELECT event_nid
  FROM sticky_events WHERE room_nid = ? AND sender_nid = ? ORDER BY event_nid DESC LIMIT 1 OFFSET ?)`
const FORGET_OF_ROOM = `DELETE FROM sticky_events WHERE room_nid = ? AND event_nid <= (SELECT event_nid
  FROM sticky_events WHERE room_nid = ? ORDER BY event_nid DESC LIMIT 1 OFFSET ?)`
const SINCE = `SELECT event_nid, position FROM sticky_events WHERE room_nid = ? AND position > ? AND position <= ? AND expires_ts > ?
  ORDER BY position`
const ALL =
  'SELECT event_nid FROM sticky_events WHERE room_nid = ? AND position IS NOT NULL AND expires_ts > ? ORDER BY event_nid'
const HELD_BACK =
  'SELECT event_nid FROM sticky_events WHERE room_nid = ? AND sender_nid = ? AND position IS NULL AND expires_ts > ?'
const RELEASE = 'UPDATE sticky_events SET position = ? WHERE event_nid = ?'
const EXPIRY = 'SELECT expires_ts FROM sticky_events WHERE event_nid = ?'

/** Of more events that are sticky at a time, the oldest are forgotten; they stay in the timeline. */
const MAX_OF_SENDER = 100
const MAX_OF_ROOM = 1_000

/** An event that is sticky. */
export interface StickyEvent {
  readonly nid: number
  readonly roomNid: number
  readonly senderNid: number
  /** When it became so for clients; undefined while it is soft-failed. */
  readonly position: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly expiresTs: number
}

/** An event that clients may be told of. */
export type ToldStickyEvent = Pick<StickyEvent, 'nid'> & { readonly position: number }

/** The `sticky_events` table: the events that are sticky now, up to a number for each sender and room. */
export class StickyEventsTable {
  readonly #db: Database
  /** Until when rooms have sticky events: all other rooms cost nothing. */
  readonly #rooms = new Map<number, number>()

  constructor(db: Database) {
    this.#db = db
    for (const { room_nid, expires_ts } of db.atOnce<{ room_nid: number; expires_ts: number }>(ROOMS))
      this.#rooms.set(room_nid, expires_ts)
  }

  /** Whether an event of the room may be sticky at `now`, soft-failed ones included. */
  mayHave(roomNid: number, now: number): boolean {
    const expiresTs = this.#rooms.get(roomNid)
    if (expiresTs === undefined) return false
    if (expiresTs <= now) this.#rooms.delete(roomNid)
    return expiresTs > now
  }

  /** The rooms in which an event may be sticky at `now`. */
  roomsWithSome(now: number): ReadonlySet<number> {
    for (const [roomNid, expiresTs] of this.#rooms) if (expiresTs <= now) this.#rooms.delete(roomNid)
    return new Set(this.#rooms.keys())
  }

  add(batch: Batch, { nid, roomNid, senderNid, position, expiresTs }: StickyEvent, now: number): void {
    batch.run(FORGET_EXPIRED, now)
    batch.run(ADD, nid, roomNid, senderNid, position ?? null, expiresTs)
    batch.run(FORGET_OF_SENDER, roomNid, senderNid, roomNid, senderNid, MAX_OF_SENDER)
    batch.run(FORGET_OF_ROOM, roomNid, roomNid, MAX_OF_ROOM)
    // Before the commit, too: whoever looks meanwhile finds nothing yet.
    this.#rooms.set(roomNid, Math.max(this.#rooms.get(roomNid) ?? 0, expiresTs))
  }

  /** A soft-failed event is allowed now: from here on clients are told of it. */
  release(batch: Batch, roomNid: number, nid: number): void {
    batch.run(RELEASE, batch.nextPosition(), nid)
    batch.touchRoom(roomNid)
  }

  /** Events that became sticky with `after < position <= upTo`, and still are. */
  async since(roomNid: number, after: number, upTo: number, now: number): Promise<ToldStickyEvent[]> {
    const rows = await this.#db.all<{ event_nid: number; position: number }>(SINCE, roomNid, after, upTo, now)
    return rows.map(({ event_nid: nid, position }) => ({ nid, position }))
  }

  /** The nids of all events of the room that are sticky, in the order of their making. */
  async ofRoom(roomNid: number, now: number): Promise<number[]> {
    return (await this.#db.all<{ event_nid: number }>(ALL, roomNid, now)).map(({ event_nid }) => event_nid)
  }

  /** The nids of a sender's events that are soft-failed. */
  async heldBack(roomNid: number, senderNid: number, now: number): Promise<number[]> {
    const rows = await this.#db.all<{ event_nid: number }>(HELD_BACK, roomNid, senderNid, now)
    return rows.map(({ event_nid }) => event_nid)
  }

  /** When an event ceases to be sticky, where it is or was a moment ago. */
  async expiry(nid: number): Promise<number | undefined> {
    return (await this.#db.get<{ expires_ts: number }>(EXPIRY, nid))?.expires_ts
  }
}
