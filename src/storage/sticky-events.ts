import type { Batch, Database } from './database.ts'

const ROOMS = `SELECT room_nid, max(expires_ts) AS expires_ts, coalesce(max(position), 0) AS position FROM sticky_events
  GROUP BY room_nid`
const ADD = `INSERT OR REPLACE INTO sticky_events (event_nid, room_nid, sender_nid, position, expires_ts, size)
  VALUES (?, ?, ?, ?, ?, ?)`
const FORGET_EXPIRED = 'DELETE FROM sticky_events WHERE expires_ts <= ?'
/** All but the newest, as far as they are not too many nor too long together; soft-failed ones take no place from others. */
const forgetWhere = (condition: string): string => `DELETE FROM sticky_events WHERE event_nid IN (SELECT event_nid FROM
  (SELECT event_nid, row_number() OVER newest AS count, sum(size) OVER newest AS size FROM sticky_events WHERE ${condition}
  WINDOW newest AS (ORDER BY position IS NULL, event_nid DESC)) WHERE count > ? OR size > ?)`
const FORGET_OF_SENDER = forgetWhere('room_nid = ? AND sender_nid = ?')
const FORGET_OF_ROOM = forgetWhere('room_nid = ?')
const SINCE = `SELECT event_nid, position FROM sticky_events WHERE room_nid = ? AND position > ? AND position <= ? AND expires_ts > ?
  ORDER BY position`
const ALL =
  'SELECT event_nid FROM sticky_events WHERE room_nid = ? AND position IS NOT NULL AND expires_ts > ? ORDER BY event_nid'
const HELD_BACK =
  'SELECT event_nid FROM sticky_events WHERE room_nid = ? AND sender_nid = ? AND position IS NULL AND expires_ts > ?'
const RELEASE = 'UPDATE sticky_events SET position = ? WHERE event_nid = ?'
const EXPIRY = 'SELECT expires_ts FROM sticky_events WHERE event_nid = ?'

/** Of more events that are sticky at a time, or longer ones, the oldest are forgotten; they stay in the timeline. */
const MAX_OF_SENDER = { count: 100, size: 500_000 }
const MAX_OF_ROOM = { count: 1_000, size: 5_000_000 }

/** An event that is sticky. */
export interface StickyEvent {
  readonly nid: number
  readonly roomNid: number
  readonly senderNid: number
  /** When it became so for clients; undefined while it is soft-failed. */
  readonly position: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly expiresTs: number
  /** How many characters its content has. */
  readonly size: number
}

/** What is in a room. */
interface StickyRoom {
  /** All of it is over at this time. */
  readonly expiresTs: number
  /** That of the newest. */
  readonly position: number
}

/** An event that clients may be told of. */
export type ToldStickyEvent = Pick<StickyEvent, 'nid'> & { readonly position: number }

interface RoomRow {
  room_nid: number
  expires_ts: number
  position: number
}

/** The `sticky_events` table: the events that are sticky now, up to a number for each sender and room. */
export class StickyEventsTable {
  readonly #db: Database
  /** Rooms with sticky events: all others cost nothing. */
  readonly #rooms = new Map<number, StickyRoom>()

  constructor(db: Database) {
    this.#db = db
    for (const { room_nid, expires_ts: expiresTs, position } of db.atOnce<RoomRow>(ROOMS))
      this.#rooms.set(room_nid, { expiresTs, position })
  }

  /** Whether an event of the room may be sticky at `now`, soft-failed ones included, that became so after a position. */
  mayHave(roomNid: number, now: number, after = -1): boolean {
    const room = this.#rooms.get(roomNid)
    if (!room) return false
    if (room.expiresTs <= now) this.#rooms.delete(roomNid)
    return room.expiresTs > now && room.position > after
  }

  /** The rooms in which an event may be sticky at `now`. */
  roomsWithSome(now: number): ReadonlySet<number> {
    for (const [roomNid, { expiresTs }] of this.#rooms) if (expiresTs <= now) this.#rooms.delete(roomNid)
    return new Set(this.#rooms.keys())
  }

  add(batch: Batch, event: StickyEvent, now: number): void {
    const { nid, roomNid, senderNid, position, expiresTs, size } = event
    batch.run(FORGET_EXPIRED, now)
    batch.run(ADD, nid, roomNid, senderNid, position ?? null, expiresTs, size)
    batch.run(FORGET_OF_SENDER, roomNid, senderNid, MAX_OF_SENDER.count, MAX_OF_SENDER.size)
    batch.run(FORGET_OF_ROOM, roomNid, MAX_OF_ROOM.count, MAX_OF_ROOM.size)
    this.#note(roomNid, { expiresTs, position: position ?? 0 })
  }

  /** A soft-failed event is allowed now: from here on clients are told of it. */
  release(batch: Batch, roomNid: number, nid: number): void {
    const position = batch.nextPosition()
    batch.run(RELEASE, position, nid)
    batch.touchRoom(roomNid)
    this.#note(roomNid, { expiresTs: 0, position })
  }

  /** Before the commit, too: whoever looks meanwhile finds nothing yet. */
  #note(roomNid: number, { expiresTs, position }: StickyRoom): void {
    const known = this.#rooms.get(roomNid) ?? { expiresTs: 0, position: 0 }
    const room = { expiresTs: Math.max(known.expiresTs, expiresTs), position: Math.max(known.position, position) }
    this.#rooms.set(roomNid, room)
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
