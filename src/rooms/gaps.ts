import type { EventId, ServerName } from '../../schemas/ids.ts'
import type { Event } from '../protocol/event.ts'
import type { Clock } from '../core/clock.ts'
import type { Database } from '../storage/database.ts'
import { eventIdBytes } from '../storage/event-ids.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateMaps } from '../storage/state.ts'
import type { Timelines } from '../storage/timelines.ts'
import { isStateOf } from '../storage/stored-event.ts'
import { GAP_LIMITS, GapBudget, type GapLimits, GapTurns } from './gap-budget.ts'
import type { RoomHeads } from './heads.ts'
import type { Outliers } from './outliers.ts'
import type { RemoteHistory } from './remote-history.ts'

/** How many events are asked for at once. */
const MISSING_LIMIT = 50
/**
 * How often we ask about one gap: servers give 20 to 50 events at a time. A larger gap is bridged by the state behind it, for
 * which questions must be left, and what was in it comes as history, out of order.
 */
const MISSING_ROUNDS = 15

export interface GapFillerParts {
  clock: Clock
  db: Database
  events: Events
  maps: StateMaps
  timelines: Timelines
  heads: RoomHeads
  outliers: Outliers
  history: RemoteHistory
}

/**
 * Fetches what a received event builds on and we do not have. Nothing is ever accepted by guessing. What a budget does not
 * allow is not fetched: events that need it stay missing, until one that builds on them, or backfill, asks for them again.
 */
export class GapFiller {
  readonly #parts: GapFillerParts
  readonly #limits: GapLimits
  readonly #turns: GapTurns

  constructor(parts: GapFillerParts, limits = GAP_LIMITS) {
    this.#parts = parts
    this.#limits = limits
    this.#turns = new GapTurns(limits)
  }

  /** What one transaction, or one round of backfill, may spend. */
  budget(): GapBudget {
    return new GapBudget(this.#parts.clock, this.#limits)
  }

  /**
   * The events between the end of the room and `event`, the earliest first; as many as the server gives and the limit allows.
   * Servers give a few at a time, so that they are asked again for what those build on. What is from before our time in the
   * room is history, which comes by backfill.
   */
  async eventsBefore(server: ServerName, room: Room, event: Event, budget: GapBudget): Promise<Event[]> {
    const { heads, history } = this.#parts
    const { extremities } = await heads.get(room)
    const minDepth = await this.#firstDepth(room)
    const earliest = extremities.map(({ eventId }) => eventId)
    const found = new Map<EventId, Event>()
    let latest = [event.eventId]
    for (let round = 0; latest.length > 0 && round < MISSING_ROUNDS; round++) {
      const range = { earliest, latest, limit: MISSING_LIMIT, minDepth }
      const given = await this.#ask(server, budget, (signal) => history.missingEvents(server, room, range, signal))
      const fresh = (given ?? []).filter(({ eventId, depth }) => depth >= minDepth && !found.has(eventId))
      for (const missing of fresh) found.set(missing.eventId, missing)
      latest = await this.#openEnds(fresh, found, minDepth)
    }
    return inOrder([...found.values()])
  }

  /** Those of some events of a gap that build on others that are neither here nor found yet. */
  async #openEnds(fresh: readonly Event[], found: ReadonlyMap<EventId, Event>, minDepth: number): Promise<EventId[]> {
    const known = await this.#parts.events.nids(fresh.flatMap(({ prevEvents }) => prevEvents))
    const isOpen = ({ depth, prevEvents }: Event) => depth > minDepth && prevEvents.some((id) => !known.has(id) && !found.has(id))
    return fresh.filter(isOpen).map(({ eventId }) => eventId)
  }

  /** Takes in the auth chain of an event. */
  async fetchAuthChain(server: ServerName, room: Room, event: Event, budget: GapBudget): Promise<void> {
    const { history, outliers } = this.#parts
    const chain = await this.#ask(server, budget, (signal) => history.authChain(server, room, event.eventId, signal))
    await outliers.admit(room, chain ?? [])
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
  async stateAfter(server: ServerName, room: Room, eventId: EventId, budget: GapBudget): Promise<number | undefined> {
    const { history, events, outliers } = this.#parts
    const known = await this.knownStateAfter(room, eventId)
    if (known !== undefined) return known
    const ids = await this.#ask(server, budget, (signal) => history.stateIds(server, room, eventId, signal))
    if (!ids) return undefined
    const wanted = new Set([...ids.state, ...ids.authChain, eventId])
    const stored = await events.nids(wanted)
    const missing = [...wanted].filter((id) => !stored.has(id))
    if (missing.length > 0) {
      if (!budget.takeSingleEvents(missing.length)) return undefined
      const fetched = await this.#ask(server, budget, (signal) => history.events(server, room, missing, signal))
      await outliers.admit(room, fetched ?? [])
    }
    return this.#stateOf(room, ids.state, eventId)
  }

  /** The answer to a question, in its turn; undefined where the budget does not allow to ask it. */
  async #ask<T>(server: ServerName, budget: GapBudget, ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    if (!budget.takeQuestion()) return undefined
    return this.#turns.run(server, async () => (budget.signal.aborted ? undefined : ask(budget.signal)))
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
    for (const event of state.map((id) => found.get(id)))
      if (event && isStateOf(event, room)) changes.set(event.kindNid, event.nid)
    if (isStateOf(target, room) && !target.isRejected) changes.set(target.kindNid, target.nid)
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
