/** The past of rooms, as other servers ask for it. https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events */
import type { EventId, RoomId, ServerName } from '../../../schemas/ids.ts'
import { forbidden, notFound } from '../../core/errors.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Events } from '../../storage/events.ts'
import type { Room } from '../../storage/rooms.ts'
import { isPlaced, Standing, type StoredEvent } from '../../storage/stored-event.ts'
import type { RoomAccess } from './access.ts'
import type { ServedEvents } from './served-events.ts'

export interface InboundHistoryParts {
  events: Events
  states: RoomStates
  access: RoomAccess
  served: ServedEvents
}

export interface MissingRange {
  readonly earliest: readonly EventId[]
  readonly latest: readonly EventId[]
  readonly limit: number
  readonly minDepth: number
}

const MAX_MISSING = 50
const MAX_BACKFILL = 100

export class InboundHistory {
  readonly #parts: InboundHistoryParts

  constructor(parts: InboundHistoryParts) {
    this.#parts = parts
  }

  /** The nids of the state before an event, and of its auth chain. Throws M_FORBIDDEN, M_NOT_FOUND. */
  async stateBefore(
    origin: ServerName,
    roomId: RoomId,
    eventId: EventId,
  ): Promise<{ state: StoredEvent[]; chain: StoredEvent[] }> {
    const { access, events, states, served } = this.#parts
    const room = await access.sharedRoom(origin, roomId)
    const event = await this.#event(room, eventId)
    // We do not know the state at events that are outliers, and tell nobody about rejected ones.
    if (!event || event.standing === Standing.outlier || event.isRejected) throw notFound(`The state at ${eventId} is not known`)
    const state = await states.all(event.stateBefore)
    const chain = await served.authChain(state.map(({ nid }) => nid))
    return { state, chain: [...(await events.byNids(chain)).values()] }
  }

  /** One event, redacted where the server may not see it. Throws M_NOT_FOUND, M_FORBIDDEN. */
  async event(origin: ServerName, eventId: EventId): Promise<Pdu> {
    const { events, access, served } = this.#parts
    const event = await events.byId(eventId)
    if (!event || event.standing === Standing.rejected) throw notFound(`There is no event ${eventId}`)
    const room = await access.room(origin, event.room.roomId)
    const isIn = await access.isIn(origin, room)
    if (event.standing === Standing.outlier && !isIn) throw forbidden(`${origin} is not in the room`)
    const [pdu] =
      event.standing === Standing.outlier ? await served.whole([event.nid]) : await served.visible(origin, room, [event.nid])
    if (!pdu) throw notFound(`There is no event ${eventId}`)
    return pdu
  }

  /** The nids of the auth chain of an event. Throws M_FORBIDDEN, M_NOT_FOUND. */
  async authChain(origin: ServerName, roomId: RoomId, eventId: EventId): Promise<number[]> {
    const room = await this.#parts.access.sharedRoom(origin, roomId)
    const event = await this.#event(room, eventId)
    if (!event) throw notFound(`There is no event ${eventId} in the room`)
    return this.#parts.served.authChain([event.nid])
  }

  /** Up to `limit` events before and with the given ones, the newest first. */
  async backfill(origin: ServerName, roomId: RoomId, from: readonly EventId[], limit: number): Promise<Pdu[]> {
    const room = await this.#parts.access.sharedRoom(origin, roomId)
    const found = await this.#walkBack(room, from, new Set(), Math.min(limit, MAX_BACKFILL), 0)
    return this.#parts.served.visible(origin, room, found)
  }

  /** Events before `latest` and after `earliest`, neither included, the earliest first. */
  async missing(origin: ServerName, roomId: RoomId, { earliest, latest, limit, minDepth }: MissingRange): Promise<Pdu[]> {
    const { access, events, served } = this.#parts
    const room = await access.sharedRoom(origin, roomId)
    const tips = await this.#placed(room, latest)
    const before = [...tips.values()].flatMap(({ prevEvents }) => prevEvents)
    const known = new Set([...earliest, ...latest])
    const found = await this.#walkBack(room, before, known, Math.min(limit, MAX_MISSING), minDepth)
    const order = [...(await events.byNids(found)).values()].sort((a, b) => a.head.depth - b.head.depth || a.nid - b.nid)
    return served.visible(
      origin,
      room,
      order.map(({ nid }) => nid),
    )
  }

  /** Nids of events from some on backwards, the newest first; beyond `known` ones, outliers and rejected ones it does not go. */
  async #walkBack(
    room: Room,
    from: readonly EventId[],
    known: ReadonlySet<EventId>,
    limit: number,
    minDepth: number,
  ): Promise<number[]> {
    const seen = new Set<EventId>(known)
    const queue = new Map<number, Event>()
    const found: number[] = []
    const enqueue = async (eventIds: readonly EventId[]) => {
      const fresh = eventIds.filter((eventId) => !seen.has(eventId))
      for (const eventId of fresh) seen.add(eventId)
      for (const [nid, event] of await this.#placed(room, fresh)) if (event.depth >= minDepth) queue.set(nid, event)
    }
    await enqueue(from)
    while (queue.size > 0 && found.length < limit) {
      const [nid, event] = [...queue].reduce((a, b) => (b[1].depth > a[1].depth ? b : a))
      queue.delete(nid)
      found.push(nid)
      await enqueue(event.prevEvents)
    }
    return found
  }

  /** Those of the events that have a place in the room: whole, by nid. */
  async #placed(room: Room, eventIds: readonly EventId[]): Promise<Map<number, Event>> {
    const { events } = this.#parts
    const stored = [...(await events.byIds(eventIds)).values()]
    const placed = stored.filter((event) => isPlaced(event, room) && !event.isRejected)
    return events.pdus(placed.map(({ nid }) => nid))
  }

  async #event(room: Room, eventId: EventId): Promise<StoredEvent | undefined> {
    const event = await this.#parts.events.byId(eventId)
    return event?.room.nid === room.nid ? event : undefined
  }
}
