/** History from before all that we have. https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events */
import type { EventId, RoomId, ServerName } from '../../../schemas/ids.ts'
import { getEventByTimestamp } from '../../../schemas/server/events.ts'
import type { Clock } from '../../core/clock.ts'
import { KeyedQueue } from '../../core/keyed-queue.ts'
import type { Logger } from '../../core/logger.ts'
import { RecentCache } from '../../core/recent-cache.ts'
import type { Event } from '../../protocol/event.ts'
import { allowedIn } from '../../rooms/allowed.ts'
import type { GapBudget } from '../../rooms/gap-budget.ts'
import type { GapFiller } from '../../rooms/gaps.ts'
import type { RoomHeads } from '../../rooms/heads.ts'
import type { Outliers } from '../../rooms/outliers.ts'
import type { EventWriter } from '../../rooms/persist.ts'
import type { RemoteHistory } from '../../rooms/remote-history.ts'
import type { FoundEvent } from '../../rooms/remote.ts'
import type { StateResolver } from '../../rooms/resolve.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Database } from '../../storage/database.ts'
import { eventIdOfBytes } from '../../storage/event-ids.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Room } from '../../storage/rooms.ts'
import type { StateMaps } from '../../storage/state.ts'
import { isPlaced, Standing, type StoredEvent } from '../../storage/stored-event.ts'
import type { Timelines } from '../../storage/timelines.ts'
import type { FederationClient } from '../client.ts'
import { FederationError } from '../errors.ts'

export interface BackfillParts {
  clock: Clock
  serverName: ServerName
  db: Database
  events: Events
  maps: StateMaps
  memberships: Memberships
  timelines: Timelines
  heads: RoomHeads
  states: RoomStates
  resolver: StateResolver
  writer: EventWriter
  outliers: Outliers
  gaps: Pick<GapFiller, 'budget' | 'knownStateAfter' | 'stateAfter' | 'fetchAuthChain'>
  history: Pick<RemoteHistory, 'backfill'>
  client: Pick<FederationClient, 'call'>
  log: Logger
}

/** An event that gets its place in the room. */
interface Placed {
  readonly event: Event
  readonly stateBefore: number
  readonly standing: Standing
}

/** One server that is asked about one room. */
interface Round {
  readonly server: ServerName
  readonly room: Room
  readonly budget: GapBudget
}

/** So many servers are asked before it counts that nobody knows. */
const MAX_SERVERS = 5
const MAX_FROM = 10
const MAX_EVENTS = 100
/** Nobody is asked again so soon for what nobody could give: whoever scrolls up comes by there every time. */
const ASK_AGAIN_MS = 60_000

export class Backfill {
  readonly #parts: BackfillParts
  readonly #running = new KeyedQueue<RoomId>()
  /** When a gap was asked for in vain. */
  readonly #unfilled = new RecentCache<string, number>(1_000)

  constructor(parts: BackfillParts) {
    this.#parts = parts
  }

  /** As `RemoteRooms.backfill`. */
  fill(room: Room, limit: number, edge?: number): Promise<boolean> {
    return this.#running.run(room.roomId, async () => {
      if (edge === undefined) return this.#fill(room, limit, undefined)
      const gap = `${room.nid} ${edge}`
      const now = this.#parts.clock.now()
      if (now - (this.#unfilled.get(gap) ?? -Infinity) < ASK_AGAIN_MS) return false
      const isFilled = await this.#fill(room, limit, edge)
      if (!isFilled) this.#unfilled.set(gap, now)
      return isFilled
    })
  }

  async #fill(room: Room, limit: number, edge: number | undefined): Promise<boolean> {
    const from = await this.#missing(room, edge)
    if (from.length === 0) return false
    for (const server of await this.#servers(room)) {
      const found = await this.#parts.history.backfill(server, room, from, Math.min(limit, MAX_EVENTS))
      using budget = this.#parts.gaps.budget()
      const wanted = edge === undefined ? found : found && inGap(from, await this.#unplaced(room, found))
      if (wanted && (await this.#place({ server, room, budget }, wanted, edge))) return true
    }
    return false
  }

  /** As `RemoteRooms.eventNear`. */
  async eventNear(room: Room, timestamp: number, direction: 'f' | 'b'): Promise<FoundEvent | undefined> {
    const input = { params: { roomId: room.roomId }, query: { ts: timestamp, dir: direction } }
    for (const server of await this.#servers(room)) {
      try {
        const found = await this.#parts.client.call(getEventByTimestamp, server, input)
        return { eventId: found.event_id, originServerTs: found.origin_server_ts }
      } catch (cause) {
        if (!(cause instanceof FederationError)) throw cause
        this.#parts.log.debug({ server, detail: cause.detail }, 'A server knows no event near a timestamp')
      }
    }
    return undefined
  }

  /** The events to go on from: those that the one at `edge` cites, or else the latest of those that have no gap before them but the past. */
  async #missing(room: Room, edge: number | undefined): Promise<EventId[]> {
    const { timelines, events } = this.#parts
    const rows: { event_id: Uint8Array; event_nid: number }[] = []
    for (const row of await timelines.missing(room.nid)) {
      const position = (await timelines.positionOf(room.nid, row.event_nid)) ?? 0
      const isEdge = (await timelines.edge(room.nid, position)) === position
      if (isEdge ? position === edge : edge === undefined) rows.push(row)
    }
    const citing = await events.byNids(rows.map(({ event_nid: nid }) => nid))
    const depthOf = (nid: number) => citing.get(nid)?.head.depth ?? 0
    const latest = rows.sort((a, b) => depthOf(b.event_nid) - depthOf(a.event_nid)).slice(0, MAX_FROM)
    return latest.map(({ event_id: id }) => eventIdOfBytes(id, room.rules))
  }

  async #servers(room: Room): Promise<ServerName[]> {
    const { memberships, serverName } = this.#parts
    const { servers } = await memberships.members(room.nid)
    const others = [...servers.keys()].filter((server) => server !== serverName)
    return others.slice(0, MAX_SERVERS)
  }

  /** Gives the events their places, the latest first, as far as the states before them can be found out. */
  async #place(round: Round, found: readonly Event[], edge: number | undefined): Promise<boolean> {
    const { outliers, heads, writer } = this.#parts
    const { server, room, budget } = round
    const fresh = await this.#unplaced(room, found)
    const earliest = fresh.at(-1)
    if (!earliest) return false
    await this.#parts.gaps.fetchAuthChain(server, room, earliest, budget)
    await outliers.admit(room, fresh)
    const placed = await this.#withStates(round, fresh)
    const writes: Promise<void>[] = []
    await heads.locked(room.roomId, async () => {
      const nextPlace = await this.#placesBefore(room, edge)
      for (const { event, stateBefore, standing } of placed.toReversed()) {
        const isShown = standing === Standing.accepted
        const persisted = isShown
          ? await writer.insert(room, event, stateBefore, nextPlace())
          : await writer.keep(room, event, standing, stateBefore, { isHistory: true })
        writes.push(persisted.written)
      }
    })
    await Promise.all(writes)
    return placed.length > 0
  }

  async #unplaced(room: Room, found: readonly Event[]): Promise<Event[]> {
    const eventIds = found.map(({ eventId }) => eventId)
    const unplaced = new Set(await this.#parts.events.unplaced(room, eventIds))
    return found.filter(({ eventId }) => unplaced.has(eventId))
  }

  /** Gives one free place after another before an edge, the last first; undefined for the beginning of the room. */
  async #placesBefore(room: Room, edge: number | undefined): Promise<() => number | undefined> {
    if (edge === undefined) return () => undefined
    const [before] = await this.#parts.timelines.backwards(room.nid, Number.MIN_SAFE_INTEGER, edge - 1, 1)
    let place = edge
    return () => (place - 1 > (before?.position ?? 0) ? --place : undefined)
  }

  /** Works out the states from the earliest event on, as far as they do not follow from those of later events. */
  async #withStates(round: Round, fresh: readonly Event[]): Promise<Placed[]> {
    const { events } = this.#parts
    const { room } = round
    const { before, after } = await this.#knownStates(room, fresh)
    const placed: Placed[] = []
    for (const event of fresh.toReversed()) {
      const stored = await events.byId(event.eventId)
      // An auth event of it may be missing, or its id taken in another room.
      if (stored?.room.nid !== room.nid || isPlaced(stored, room)) continue
      const stateBefore = before.get(event.eventId) ?? (await this.#stateBefore(round, event, after))
      if (stateBefore === undefined) continue
      const standing = await this.#standingOf(event, stored, stateBefore)
      const isAccepted = standing === Standing.accepted
      after.set(event.eventId, isAccepted ? await this.#stateAfter(room, stored, stateBefore) : stateBefore)
      placed.push({ event, stateBefore, standing })
    }
    return placed
  }

  /** As on receipt, but that there is no current state to compare history with. */
  async #standingOf(event: Event, { standing }: StoredEvent, stateBefore: number): Promise<Standing> {
    if (standing === Standing.rejected) return standing
    const { allowed } = await allowedIn(this.#parts.states, stateBefore, event)
    return allowed ? Standing.accepted : Standing.rejectedByState
  }

  /** Going back along a single line of events that are no state, the state stays the same. */
  async #knownStates(
    room: Room,
    fresh: readonly Event[],
  ): Promise<{ before: Map<EventId, number>; after: Map<EventId, number> }> {
    const before = new Map<EventId, number>()
    const after = new Map<EventId, number>()
    for (const { eventId, stateKey, prevEvents } of fresh) {
      const root = after.get(eventId) ?? (await this.#parts.gaps.knownStateAfter(room, eventId))
      if (root === undefined) continue
      after.set(eventId, root)
      if (stateKey !== undefined) continue
      before.set(eventId, root)
      const [prev, ...others] = prevEvents
      if (prev !== undefined && others.length === 0) after.set(prev, root)
    }
    return { before, after }
  }

  async #stateBefore(
    { server, room, budget }: Round,
    event: Event,
    after: ReadonlyMap<EventId, number>,
  ): Promise<number | undefined> {
    const { events, gaps, resolver } = this.#parts
    const stored = await events.byIds(event.prevEvents)
    const roots: number[] = []
    for (const prev of event.prevEvents) {
      const before = stored.get(prev)
      const root =
        after.get(prev) ?? (isPlaced(before, room) ? before.stateAfter : await gaps.stateAfter(server, room, prev, budget))
      if (root === undefined) return undefined
      roots.push(root)
    }
    return resolver.resolve(room, roots)
  }

  async #stateAfter(room: Room, { isState, kindNid, nid }: StoredEvent, stateBefore: number): Promise<number> {
    if (!isState) return stateBefore
    const { db, maps } = this.#parts
    const change = await maps.change(stateBefore, new Map([[kindNid, nid]]))
    await db.write((batch) => maps.write(batch, change), room.nid)
    return change.root
  }
}

/** Those of some events, the latest first, that lead back from where a gap ends without a step over what is here. */
function inGap(from: readonly EventId[], unplaced: readonly Event[]): Event[] {
  const cited = new Set(from)
  return unplaced.filter(({ eventId, prevEvents }) => {
    if (!cited.has(eventId)) return false
    for (const prev of prevEvents) cited.add(prev)
    return true
  })
}
