import type { EventId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { ReceiptsTable, ReceiptType } from '../storage/receipts.ts'
import type { Room } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { EduSender } from './edus.ts'
import { assertJoined, noSuchEvent } from './policy.ts'
import { MAIN, threadOf } from './threads.ts'

export interface ReceiptsParts {
  db: Database
  clock: Clock
  names: Names
  events: Events
  timelines: Timelines
  memberships: Memberships
  table: ReceiptsTable
  edus: EduSender
}

/** A receipt of another server's user. */
export interface RemoteReceipt {
  readonly userId: UserId
  readonly eventId: EventId
  /** `main` or the event id of the thread's root; undefined where the receipt is for the whole room. */
  readonly threadId: string | undefined
  /** Milliseconds since the Unix epoch. */
  readonly ts: number
}

/** Read receipts. https://spec.matrix.org/v1.19/client-server-api/#receipts */
export class Receipts {
  readonly #parts: ReceiptsParts
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: ReceiptsParts) {
    this.#parts = parts
  }

  /**
   * One of our users has read up to an event; a receipt that lies before the last one changes nothing.
   * @throws {MatrixError} M_FORBIDDEN for one who is not in the room, M_NOT_FOUND for an event that is not in it,
   * M_INVALID_PARAM for an event that is not in that thread
   */
  async acknowledge(requester: Requester, room: Room, type: ReceiptType, eventId: EventId, threadId?: string): Promise<void> {
    const { memberships, clock, edus } = this.#parts
    await assertJoined(memberships, room, requester.userNid)
    const event = await this.eventIn(room, eventId)
    if (threadId !== undefined) await this.#assertInThread(event, threadId)
    const ts = clock.now()
    const moved = await this.#advance(room, requester.userNid, type, { userId: requester.userId, eventId, threadId, ts })
    // m.read.private MUST NOT appear in the federated m.receipt EDU.
    if (moved && type === 'm.read') edus.send(room, 'm.receipt', eduOf(room, requester.userId, eventId, threadId, ts))
  }

  /** A user of another server, who is in the room, has read up to an event, which may not be here yet. */
  async receive(room: Room, receipt: RemoteReceipt): Promise<void> {
    const { names, db } = this.#parts
    const resolved = await names.resolve([receipt.userId])
    const userNid = resolved.known(receipt.userId) ?? (await db.write((batch) => resolved.nid(batch, receipt.userId)))
    await this.#advance(room, userNid, 'm.read', receipt)
  }

  /** An event of a room's timeline. @throws {MatrixError} M_NOT_FOUND */
  async eventIn(room: Room, eventId: EventId): Promise<StoredEvent> {
    const event = await this.#parts.events.byId(eventId)
    if (event?.room.nid !== room.nid) throw noSuchEvent(eventId)
    return event
  }

  /** Where an event is in the room's timeline; undefined where we do not have it, or it is not in it. */
  async positionOf(room: Room, eventId: EventId): Promise<number | undefined> {
    const { events, timelines } = this.#parts
    const nid = (await events.nids([eventId])).get(eventId)
    return nid === undefined ? undefined : timelines.positionOf(room.nid, nid)
  }

  /** Writes the receipt unless it would move back; tells whether it did. */
  #advance(room: Room, userNid: number, type: ReceiptType, { eventId, threadId, ts }: RemoteReceipt): Promise<boolean> {
    const { db, table } = this.#parts
    const thread = threadId ?? ''
    return this.#queue.run(userNid, async () => {
      const eventPosition = await this.positionOf(room, eventId)
      const old = (await table.ofUser(room.nid, userNid)).find((receipt) => receipt.type === type && receipt.thread === thread)
      if (old?.eventId === eventId) return false
      if (old?.eventPosition !== undefined && eventPosition !== undefined && eventPosition <= old.eventPosition) return false
      await db.write((batch) => table.set(batch, { roomNid: room.nid, userNid, type, thread, eventId, eventPosition, ts }))
      return true
    })
  }

  /** The root of a thread is in the main timeline, but clients acknowledge it in its thread too. */
  async #assertInThread(event: StoredEvent, threadId: string): Promise<void> {
    if (threadId !== MAIN && threadId === event.eventId) return
    if ((await threadOf(event, this.#parts.events)) !== threadId)
      throw invalidParam(`The event ${event.eventId} is not in the thread ${threadId}`)
  }
}

function eduOf(room: Room, userId: UserId, eventId: EventId, threadId: string | undefined, ts: number): JsonObject {
  const data = threadId === undefined ? { ts } : { ts, thread_id: threadId }
  return { [room.roomId]: { 'm.read': { [userId]: { data, event_ids: [eventId] } } } }
}
