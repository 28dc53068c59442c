/** Reads the history of rooms. https://spec.matrix.org/v1.19/client-server-api/#getting-events-for-a-room */
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import type { Events } from '../storage/events.ts'
import { Standing, type StoredEvent } from '../storage/stored-event.ts'
import type { TimelineEntry, Timelines } from '../storage/timelines.ts'
import { noSuchEvent } from './policy.ts'
import type { RemoteRooms } from './remote.ts'
import type { RoomView, RoomViews } from './room-view.ts'
import type { RoomStates } from './state.ts'
import type { Viewer, Visibility } from './visibility.ts'

/** Nobody gets more events at once. */
export const MAX_PAGE = 1_000
/** How many events one request looks through for those that pass: a filter may fit hardly any. */
const MAX_SCANNED = 5_000
const FIRST = Number.MIN_SAFE_INTEGER

export interface HistoryParts {
  events: Events
  timelines: Timelines
  states: RoomStates
  visibility: Visibility
  roomViews: RoomViews
  remote: Pick<RemoteRooms, 'backfill'>
}

/** Which events are wanted. */
export interface EventChoice {
  passes(event: StoredEvent): boolean
}

export interface PageRequest {
  readonly direction: 'f' | 'b'
  /** Stream position to start at; without it, the end or the start of what the viewer may see. */
  readonly from?: number | undefined
  /** Stream position to stop at. */
  readonly to?: number | undefined
  readonly limit: number
  readonly choice: EventChoice
}

export interface HistoryPage {
  readonly events: readonly StoredEvent[]
  /** Stream positions between which the page lies, in its direction. `end` is undefined where there is nothing more. */
  readonly start: number
  readonly end: number | undefined
}

/** How many events are wanted around one: `before` and `after` it, and in all. */
export interface ContextLimits {
  readonly before: number
  readonly after: number
  readonly total: number
}

/** An event with those around it; positions to go on from in both directions. */
export interface EventContext {
  readonly event: StoredEvent
  readonly before: readonly StoredEvent[]
  readonly after: readonly StoredEvent[]
  readonly start: number
  readonly end: number
  /** The state at the last event. */
  readonly stateRoot: number
}

interface Walk {
  readonly events: StoredEvent[]
  /** Where to go on. */
  readonly position: number
  readonly isExhausted: boolean
  /** The position of the event that it has ended at, where there is a gap before it. */
  readonly edge?: number | undefined
}

export class History {
  readonly #parts: HistoryParts

  constructor(parts: HistoryParts) {
    this.#parts = parts
  }

  /** A page of a room's history. Where ours ends and gaps are known, other servers are asked for what lies before. */
  async page(viewer: Viewer, roomId: RoomId, request: PageRequest): Promise<HistoryPage> {
    const view = await this.#parts.roomViews.of(viewer, roomId)
    const start = request.from ?? (request.direction === 'b' ? view.upTo : FIRST)
    const mayGrow = request.direction === 'b' && request.to === undefined
    if (mayGrow) await this.#fillGapBefore(view, start, request.limit)
    let walk = await this.#walk(viewer, view, start, request)
    const hasGrown = mayGrow && walk.isExhausted && (await this.#backfill(view, request.limit, walk.edge))
    // A gap that nobody can fill now is gone over.
    if (hasGrown || walk.edge !== undefined)
      walk = await this.#walk(viewer, view, start, request, hasGrown ? undefined : walk.edge)
    // What others have just given may all be hidden from the viewer, and there may be more behind it.
    const isOver = walk.isExhausted && walk.edge === undefined && walk.events.length === 0 && !hasGrown
    return { events: walk.events, start, end: isOver ? undefined : walk.position }
  }

  /** One event. Throws M_NOT_FOUND, also for one that the viewer may not see. */
  async event(viewer: Viewer, roomId: RoomId, eventId: EventId): Promise<StoredEvent> {
    const { events, visibility, roomViews, states } = this.#parts
    const event = await events.byId(eventId)
    if (!event || event.room.roomId !== roomId) throw noSuchEvent(eventId)
    if ((await visibility.visible([event], viewer)).length === 1) return event
    // State from before our time has no place in the timeline, but it is what /state shows.
    if (event.standing !== Standing.outlier || event.stateKey === undefined) throw noSuchEvent(eventId)
    const { stateRoot } = await roomViews.of(viewer, roomId)
    const current = await states.get(stateRoot, event.type, event.stateKey)
    if (current?.nid !== event.nid) throw noSuchEvent(eventId)
    return event
  }

  /** One event of whichever room. Throws M_NOT_FOUND as `event` does. */
  async anywhere(viewer: Viewer, eventId: EventId): Promise<StoredEvent> {
    const event = await this.#parts.events.byId(eventId)
    if (!event) throw noSuchEvent(eventId)
    return this.event(viewer, event.room.roomId, eventId)
  }

  /**
   * An event and some of those around it, the nearest first.
   * @throws {MatrixError} M_FORBIDDEN, or M_NOT_FOUND for an event that the viewer may not see
   */
  async context(
    viewer: Viewer,
    roomId: RoomId,
    eventId: EventId,
    limits: ContextLimits,
    choice: EventChoice,
  ): Promise<EventContext> {
    const { timelines, roomViews } = this.#parts
    const view = await roomViews.of(viewer, roomId)
    const event = await this.event(viewer, roomId, eventId)
    const position = await timelines.positionOf(view.room.nid, event.nid)
    if (position === undefined) throw noSuchEvent(eventId)
    const before = await this.#walk(viewer, view, position - 1, { choice, direction: 'b', limit: limits.before })
    const left = Math.min(limits.after, limits.total - before.events.length)
    const after = await this.#walk(viewer, view, position, { choice, direction: 'f', limit: left })
    const last = after.events.at(-1) ?? event
    const around = { before: before.events, after: after.events, start: before.position, end: after.position }
    return { event, ...around, stateRoot: last.stateAfter }
  }

  /** The member events of the senders of a page, as of its latest event: what a client needs that loads members lazily. */
  async membersOf(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const latest = events.reduce<StoredEvent | undefined>(
      (last, event) => (last && last.head.depth > event.head.depth ? last : event),
      undefined,
    )
    if (!latest) return []
    const senders = new Set<UserId>(events.map(({ sender }) => sender))
    return this.#parts.states.many(
      latest.stateAfter,
      [...senders].map((sender) => ({ type: 'm.room.member', stateKey: sender })),
    )
  }

  /** Collects events that are visible and wanted, from `start` on; backwards, as far as the next gap behind the one at `over`. */
  async #walk(viewer: Viewer, view: RoomView, start: number, request: PageRequest, over = Infinity): Promise<Walk> {
    const { direction, limit, choice } = request
    const found: StoredEvent[] = []
    const edge = await this.#edgeBehind(view, Math.min(start, over - 1), request)
    const to = edge === undefined ? request.to : edge - 1
    let position = start
    for (let scanned = 0; found.length < limit && scanned < MAX_SCANNED; ) {
      const entries = await this.#entries(view, direction, position, to, Math.min(2 * limit, 200))
      if (entries.length === 0) return { events: found, position, isExhausted: true, edge }
      const seen = await this.#shown(entries, viewer)
      for (const entry of entries) {
        position = direction === 'b' ? entry.position - 1 : entry.position
        scanned++
        const event = seen.get(entry.nid)
        if (event && choice.passes(event) && found.push(event) === limit) break
      }
    }
    return { events: found, position, isExhausted: false }
  }

  async #edgeBehind({ room, upTo }: RoomView, start: number, { direction, to }: PageRequest): Promise<number | undefined> {
    return direction === 'b' && to === undefined ? this.#parts.timelines.edge(room.nid, Math.min(start, upTo)) : undefined
  }

  #entries(
    view: RoomView,
    direction: 'f' | 'b',
    position: number,
    to: number | undefined,
    limit: number,
  ): Promise<TimelineEntry[]> {
    const { timelines } = this.#parts
    if (direction === 'b') return timelines.backwards(view.room.nid, to ?? FIRST, Math.min(position, view.upTo), limit)
    return timelines.forwards(view.room.nid, position, Math.min(to ?? view.upTo, view.upTo), limit)
  }

  async #shown(entries: readonly TimelineEntry[], viewer: Viewer): Promise<Map<number, StoredEvent>> {
    const { events, visibility } = this.#parts
    const stored = await events.byNids(entries.map(({ nid }) => nid))
    const shown = await visibility.shown([...stored.values()], viewer)
    return new Map(shown.map((event) => [event.nid, event]))
  }

  /** A client that has come to a gap goes on from there. */
  async #fillGapBefore({ room }: RoomView, start: number, limit: number): Promise<void> {
    const edge = start + 1
    if ((await this.#parts.timelines.edge(room.nid, edge)) === edge) await this.#parts.remote.backfill(room, limit, edge)
  }

  /** Whether there is more of the room's past now than before, or of the gap before an edge. */
  async #backfill({ room }: RoomView, limit: number, edge: number | undefined): Promise<boolean> {
    const { timelines, remote } = this.#parts
    if (edge === undefined && (await timelines.missing(room.nid)).length === 0) return false
    return remote.backfill(room, limit, edge)
  }
}
