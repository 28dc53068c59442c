import { RecentCache } from '../core/recent-cache.ts'
import type { EventId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import { StreamIndex } from './stream-index.ts'

const CODES = { 'm.read': 1, 'm.read.private': 2 } as const
export type ReceiptType = keyof typeof CODES

const COLUMNS = 'room_nid, user_nid, type, thread, event_id, event_position, ts, position'
const OF_ROOM = `SELECT ${COLUMNS} FROM receipts WHERE room_nid = ? ORDER BY position`
const OF_USER = `SELECT ${COLUMNS} FROM receipts WHERE room_nid = ? AND user_nid = ?`
const SINCE = `SELECT ${COLUMNS} FROM receipts WHERE room_nid = ? AND position > ? AND position <= ? ORDER BY position`
const PRIVATE_SINCE = `SELECT ${COLUMNS} FROM receipts WHERE user_nid = ? AND type = ${CODES['m.read.private']} AND position > ? AND position <= ?`
const SET = `INSERT INTO receipts (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room_nid, user_nid, type, thread)
  DO UPDATE SET event_id = excluded.event_id, event_position = excluded.event_position, ts = excluded.ts, position = excluded.position`

/** How many of a room's last receipts are kept in memory. */
const RECENT = 256

/** How far a user has read a room, or a thread of it. */
export interface Receipt {
  readonly roomNid: number
  readonly userNid: number
  readonly type: ReceiptType
  /** Empty where it is for the whole room, else `main` or the event id of the thread's root. */
  readonly thread: string
  readonly eventId: EventId
  /** Where the event is in the room's timeline; undefined where we did not have it. */
  readonly eventPosition: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly ts: number
  readonly position: number
}

interface ReceiptRow {
  room_nid: number
  user_nid: number
  type: number
  thread: string
  event_id: EventId
  event_position: number | null
  ts: number
  position: number
}

/** A room of which all receipts are in memory. */
const WHOLE = -1

/** All receipts of a room that changed after `floor`, in order. */
interface Recent {
  /** `WHOLE` where there were none before. */
  floor: number
  receipts: Receipt[]
}

/** The `receipts` table: one row for each user, type, and thread (or room as a whole). */
export class ReceiptsTable {
  readonly #db: Database
  readonly #recent = new RecentCache<number, Recent>(5_000)
  readonly #changes: StreamIndex<number>
  readonly #ownChanges: StreamIndex<number>

  constructor(db: Database) {
    this.#db = db
    this.#changes = new StreamIndex(db.position)
    this.#ownChanges = new StreamIndex(db.position)
  }

  /** All receipts of a room, in the order in which they came. */
  async ofRoom(roomNid: number): Promise<readonly Receipt[]> {
    const recent = this.#recent.get(roomNid)
    if (recent?.floor === WHOLE) return recent.receipts
    const upTo = this.#db.position
    const receipts = (await this.#db.all<ReceiptRow>(OF_ROOM, roomNid)).map(toReceipt)
    if (receipts.length <= RECENT && upTo === this.#db.position) this.#recent.set(roomNid, { floor: WHOLE, receipts })
    return receipts
  }

  /** One user's receipts in a room. */
  async ofUser(roomNid: number, userNid: number): Promise<Receipt[]> {
    return (await this.#db.all<ReceiptRow>(OF_USER, roomNid, userNid)).map(toReceipt)
  }

  /** A room's receipts that have changed with `after < position <= upTo`, in order; those that are private to their users too. */
  async since(roomNid: number, after: number, upTo: number): Promise<Receipt[]> {
    if (!this.#changes.mayHaveChanged(roomNid, after)) return []
    const recent = this.#recent.get(roomNid)
    if (recent && after >= recent.floor) return recent.receipts.filter(({ position }) => position > after && position <= upTo)
    return (await this.#db.all<ReceiptRow>(SINCE, roomNid, after, upTo)).map(toReceipt)
  }

  /** A user's own private receipts, in all rooms, that have changed with `after < position <= upTo`. */
  async privateSince(userNid: number, after: number, upTo: number): Promise<Receipt[]> {
    if (!this.#ownChanges.mayHaveChanged(userNid, after)) return []
    return (await this.#db.all<ReceiptRow>(PRIVATE_SINCE, userNid, after, upTo)).map(toReceipt)
  }

  /** When the user last sent a receipt anywhere, or a later position. */
  changedByUserAt(userNid: number): number {
    return this.#ownChanges.get(userNid)
  }

  set(batch: Batch, fields: Omit<Receipt, 'position'>): void {
    const receipt = { ...fields, position: batch.nextPosition() }
    const { roomNid, userNid, type, thread, eventId, eventPosition, ts, position } = receipt
    batch.run(SET, roomNid, userNid, CODES[type], thread, eventId, eventPosition ?? null, ts, position)
    if (type === 'm.read') batch.touchRoom(roomNid)
    else batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (committed) this.#remember(receipt)
    })
  }

  #remember(receipt: Receipt): void {
    this.#ownChanges.set(receipt.userNid, receipt.position)
    const { roomNid, position } = receipt
    let recent = this.#recent.get(roomNid)
    if (!recent) {
      recent = { floor: this.#changes.get(roomNid), receipts: [] }
      this.#recent.set(roomNid, recent)
    }
    this.#changes.set(roomNid, position)
    const replaced = recent.receipts.findIndex((old) => isSamePlace(old, receipt))
    if (replaced >= 0) recent.receipts.splice(replaced, 1)
    recent.receipts.push(receipt)
    if (recent.receipts.length <= RECENT) return
    recent.floor = recent.receipts.shift()?.position ?? recent.floor
  }
}

/** Each receipt replaces the one with the same user, type and thread. */
function isSamePlace(a: Receipt, b: Receipt): boolean {
  return a.userNid === b.userNid && a.type === b.type && a.thread === b.thread
}

function toReceipt(row: ReceiptRow): Receipt {
  return {
    roomNid: row.room_nid,
    userNid: row.user_nid,
    type: row.type === CODES['m.read'] ? 'm.read' : 'm.read.private',
    thread: row.thread,
    eventId: row.event_id,
    eventPosition: row.event_position ?? undefined,
    ts: row.ts,
    position: row.position,
  }
}
