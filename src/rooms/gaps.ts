import type { EventId, ServerName } from '../../schemas/ids.ts'
import type { Event } from '../protocol/event.ts'
import type { Database } from '../storage/database.ts'
import { eventIdBytes } from '../storage/event-ids.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateMaps } from '../storage/state.ts'
import type { Timelines } from '../storage/timelines.ts'
import { Standing } from '../storage/stored-event.ts'
import type { RoomHeads } from './heads.ts'
import type { Outliers } from './outliers.ts'
import type { RemoteHistory } from './remote-history.ts'

/** How many events one gap may bring; a larger one is bridged by the state behind it. */
const MISSING_LIMIT = 50
/** How many events of a state are asked for one by one, where the server did not give them with the rest. */
const FETCH_LIMIT = 20_000

export interface GapFillerParts {
  db: Database
  events: Events
  maps: StateMaps
  timelines: Timelines
  heads: RoomHeads
  outliers: Outliers
  history: RemoteHistory
}

/** Fetches what a received event builds on and we do not have. Nothing is ever accepted by guessing. */
export class GapFiller {
  readonly #parts: GapFillerParts

  constructor(parts: GapFillerParts) {
    this.#parts = parts
  }

  /**
   * The events between the end of the room and `event`, the earliest first; as many as the server gives and the limit allows.
   * What is from before our time in the room is history, which comes by backfill.
   */
  async eventsBefore(server: ServerName, room: Room, event: Event): Promise<Event[]> {
    const { extremities } = await this.#parts.heads.get(room)
    const minDepth = await this.#firstDepth(room)
    const missing = await this.#parts.history.missingEvents(server, room, {
      earliest: extremities.map(({ eventId }) => eventId),
      latest: [event.eventId],
      limit: MISSING_LIMIT,
      minDepth,
    })
    return inOrder((missing ?? []).filter(({ depth }) => depth >= minDepth))
  }

  /** Takes in the auth chain of an event. */
  async fetchAuthChain(server: ServerName, room: Room, event: Event): Promise<void> {
    const { history, outliers } = this.#parts
    await outliers.admit(room, (await history.authChain(server, room, event.eventId)) ?? [])
  }

  /**
   * The root of the state after an event that has no place here, where we know it without asking: it is that before an event
   * of ours which builds on nothing else.
   */
  async knownStateAfter(room: Room, eventId: EventId): Promise<number | undefined> {
    const { timelines, events } = this.#parts
    const bytes = eventIdBytes(eventId)
    const citing = (await timelines.missing(room.nid)).find(({ event_id: missing }) => Buffer.compare(missing, bytes) === 0)
    const follower = citing && (await events.pdu(citing.event_nid))
    return follower?.prevEvents.length === 1 ? (await events.get(citing?.event_nid ?? 0)).stateBefore : undefined
  }

  /** The same for any event, by what the server tells; undefined where it does not. */
  async stateAfter(server: ServerName, room: Room, eventId: EventId): Promise<number | undefined> {
    const { history, events, outliers } = this.#parts
    const known = await this.knownStateAfter(room, eventId)
    if (known !== undefined) return known
    const ids = await history.stateIds(server, room, eventId)
    if (!ids) return undefined
    const wanted = new Set([...ids.state, ...ids.authChain, eventId])
    const stored = await events.nids(wanted)
    const missing = [...wanted].filter((id) => !stored.has(id))
    if (missing.length > FETCH_LIMIT) return undefined
    await outliers.admit(room, await history.events(server, room, missing))
    return this.#stateOf(room, ids.state, eventId)
  }

  /** The depth of the first event that came live: our join, where the room is from elsewhere. */
  async #firstDepth(room: Room): Promise<number> {
    const { db, timelines, events } = this.#parts
    const [first] = await timelines.forwards(room.nid, 0, db.position, 1)
    return first ? (await events.get(first.nid)).head.depth : 0
  }

  async #stateOf(room: Room, state: readonly EventId[], eventId: EventId): Promise<number | undefined> {
    const { events, maps, db } = this.#parts
    const found = await events.byIds([...state, eventId])
    const target = found.get(eventId)
    if (!target || state.some((id) => !found.has(id))) return undefined
    const changes = new Map<number, number>()
    for (const event of [...state.map((id) => found.get(id)), target]) {
      if (event?.isState && event.room.nid === room.nid && event.standing !== Standing.rejected)
        changes.set(event.kindNid, event.nid)
    }
    const change = await maps.change(0, changes)
    await db.write((batch) => maps.write(batch, change), room.nid)
    return change.root
  }
}

/** Earlier events first: by depth, which suits those whose senders tell the truth, after what they cite of one another. */
function inOrder(events: readonly Event[]): Event[] {
  const left = new Map(events.map((event) => [event.eventId, event]))
  const order: Event[] = []
  const byDepth = [...left.values()].sort((a, b) => a.depth - b.depth)
  const visit = (event: Event): void => {
    const stack = [event]
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const blocker: Event | undefined = top.prevEvents
        .map((id) => left.get(id))
        .find((prev) => prev !== undefined && !stack.includes(prev))
      if (blocker) {
        stack.push(blocker)
        continue
      }
      stack.pop()
      if (left.delete(top.eventId)) order.push(top)
    }
  }
  for (const event of byDepth) if (left.has(event.eventId)) visit(event)
  return order
}
