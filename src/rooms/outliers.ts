import type { EventId } from '../../schemas/ids.ts'
import { mapInSlices, slicesOf } from '../core/slices.ts'
import { authorise, checkAuthEvents, createEventIdOf } from '../protocol/event-auth/index.ts'
import type { Event } from '../protocol/event.ts'
import { lookupIn } from '../protocol/state-map.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'
import type { EventWriter } from './persist.ts'

/** Events are written in parts, so that no commit holds up all others. */
const PART = 500

export interface OutliersParts {
  events: Events
  heads: RoomHeads
  writer: EventWriter
}

/** What an event cites as its authorisation, as far as it is known. */
export interface KnownAuth {
  readonly events: readonly Event[]
  readonly entries: readonly Judged[]
  readonly missing: readonly EventId[]
}

/** Takes in events that other servers show us to explain others: auth chains and the state at a gap. */
export class Outliers {
  readonly #parts: OutliersParts

  constructor(parts: OutliersParts) {
    this.#parts = parts
  }

  /**
   * Keeps those that we do not have, each judged by its own auth events; the order does not matter.
   * An event whose auth events are neither known nor among them is left out.
   */
  async admit(room: Room, offered: readonly Event[]): Promise<void> {
    const fresh = new Map<EventId, Event>()
    const judged = new Map<EventId, Judged>()
    for await (const part of slicesOf(offered, PART)) {
      const known = await this.#parts.events.nids(part.map(({ eventId }) => eventId))
      const unknown = part.filter(({ eventId }) => !known.has(eventId))
      for (const event of unknown) fresh.set(event.eventId, event)
      for (const [eventId, entry] of await this.#storedAuth(unknown)) judged.set(eventId, entry)
    }
    const order = (await mapInSlices(citedFirst(fresh), (event) => judge(event, judged))).flatMap((event) => event ?? [])
    const rejected = new Set(order.flatMap(({ eventId }) => (judged.get(eventId)?.rejected ? [eventId] : [])))
    const { heads, writer } = this.#parts
    for await (const part of slicesOf(order, PART)) {
      // Under the lock, so that none of them is received in the room at the same time.
      const { written } = await heads.locked(room.roomId, () => writer.keepOutliers(room, part, rejected))
      await written
    }
  }

  /** The auth events of an event, from storage. */
  async authOf(event: Event): Promise<KnownAuth> {
    const stored = await this.#storedAuth([event])
    const cited = citedAsAuth(event)
    const entries = event.authEvents.flatMap((eventId) => stored.get(eventId) ?? [])
    return {
      events: cited.flatMap((eventId) => stored.get(eventId)?.event ?? []),
      entries,
      missing: cited.filter((eventId) => !stored.has(eventId)),
    }
  }

  async #storedAuth(events: readonly Event[]): Promise<Map<EventId, Judged>> {
    const nids = await this.#parts.events.nids(new Set(events.flatMap(citedAsAuth)))
    const stored = await this.#parts.events.byNids(nids.values())
    const found = new Map<EventId, Judged>()
    for (const [nid, event] of await this.#parts.events.pdus(nids.values())) {
      found.set(event.eventId, { event, rejected: stored.get(nid)?.isRejected ?? false })
    }
    return found
  }
}

interface Judged {
  readonly event: Event
  readonly rejected: boolean
}

/** Adds an event to those that have been judged, by its auth events among them; undefined where one of these is missing. */
function judge(event: Event, judged: Map<EventId, Judged>): Event | undefined {
  const entries = citedAsAuth(event).map((eventId) => judged.get(eventId))
  const auth = entries.filter((entry) => entry !== undefined)
  if (auth.length < entries.length) return undefined
  judged.set(event.eventId, { event, rejected: !isAuthorised(event, auth) })
  return event
}

/** Whether the auth events that an event names allow it. They are not what holds at the event: that is checked by its state. */
function isAuthorised(event: Event, auth: readonly Judged[]): boolean {
  const named = auth.filter(({ event: { eventId } }) => event.authEvents.includes(eventId))
  return checkAuthEvents(event, named).allowed && authorise(event, lookupIn(auth.map((entry) => entry.event))).allowed
}

/** The auth events, and since room version 12 the create event, which the room id names instead. */
function citedAsAuth(event: Event): EventId[] {
  const isCreate = event.type === 'm.room.create' && event.stateKey === ''
  return event.rules.roomIdIsCreateHash && !isCreate
    ? [createEventIdOf(event.roomId), ...event.authEvents]
    : [...event.authEvents]
}

/** The events ordered so that each comes after those of them that it cites; cycles, which hashes rule out but chosen ids allow, are left out. */
function citedFirst(events: ReadonlyMap<EventId, Event>): Event[] {
  const order: Event[] = []
  const state = new Map<EventId, 'open' | 'done'>()
  for (const first of events.values()) {
    const stack = [first]
    for (let event = stack.at(-1); event; event = stack.at(-1)) {
      if (state.get(event.eventId) === undefined) {
        state.set(event.eventId, 'open')
        for (const cited of citedAsAuth(event)) {
          const next = events.get(cited)
          if (next && state.get(cited) === undefined) stack.push(next)
        }
        continue
      }
      stack.pop()
      if (state.get(event.eventId) === 'open') order.push(event)
      state.set(event.eventId, 'done')
    }
  }
  return order
}
