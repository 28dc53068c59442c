import { type EventId, serverOf, type ServerName } from '../../schemas/ids.ts'
import type { Event } from '../protocol/event.ts'
import { changeBy, CurrentMembers, type MemberChanges } from './member-changes.ts'
import { type RedactionPlan, Redactions, type RedactionsParts } from './redact.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Placement } from '../storage/events.ts'
import { eventIdBytes } from '../storage/event-ids.ts'
import { kindOf } from '../storage/kind.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names, ResolvedNames } from '../storage/names.ts'
import type { Outbox } from '../storage/outbox.ts'
import type { Relations } from '../storage/relations.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateChange, StateMaps } from '../storage/state.ts'
import type { StateJumps } from '../storage/state-jumps.ts'
import { Standing, type StoredEvent } from '../storage/stored-event.ts'
import { destinationsOf } from './destinations.ts'
import { endsBeside, isBuiltOn } from './ends.ts'
import { extremityOf, type ForwardExtremity, type RoomHead, type RoomHeads } from './heads.ts'
import { relate } from './relation.ts'
import type { ResolutionEffort } from './resolution-effort.ts'
import type { StateResolver } from './resolve.ts'
import type { StickyEvents } from './sticky-events.ts'

export interface EventWriterParts extends RedactionsParts {
  serverName: ServerName
  db: Database
  names: Names
  maps: StateMaps
  stateJumps: StateJumps
  memberships: Memberships
  relations: Relations
  outbox: Outbox
  heads: RoomHeads
  resolver: StateResolver
  sticky: StickyEvents
  /** Hears of every event that is accepted at the end of a room, for the metrics. */
  onAccepted?: ((from: 'local' | 'remote') => void) | undefined
}

export interface PersistOptions {
  /** Send it on to the other servers of the room: all that our users send, and joins, leaves and knocks that we vouch for. */
  forward?: boolean
  /** It was built a moment ago: there is no need to look for it. */
  isNew?: boolean
  /** Is told what it takes to resolve the state of the room anew. */
  effort?: ResolutionEffort
  /** Further operations of the same batch. */
  also?: (batch: Batch, stored: StoredEvent) => void
}

type KeepOptions = { isHistory?: boolean; isFinal?: boolean }

/** An event on its way to the disk. */
export interface Persisted {
  readonly stored: StoredEvent
  /** Resolves when the event is durable and visible. Nobody may be told of the event before. */
  readonly written: Promise<void>
}

/** What is known of an event before its batch is filled. */
interface Plan {
  nid: number
  /** The event was kept as an outlier before and gets its place in the room now. */
  wasOutlier: boolean
  names: ResolvedNames
  cited: ReadonlyMap<EventId, number>
  change: StateChange
  redactions: RedactionPlan
  destinations: ServerName[]
  /** The prev events that have no place in the room here; undefined for an event of ours, which is built on those that have. */
  missing: readonly EventId[] | undefined
}

/** The only writer of events: one commit covers the event, the room's state, head and members, and the outbox. */
export class EventWriter {
  readonly #parts: EventWriterParts
  readonly #members: CurrentMembers
  readonly #redactions: Redactions

  constructor(parts: EventWriterParts) {
    this.#parts = parts
    this.#redactions = new Redactions(parts)
    this.#members = new CurrentMembers(parts)
  }

  /**
   * Adds an accepted event to the end of its room. Only under the room's lock.
   * @param stateBefore root of the state before the event, against which it was authorised
   */
  async accept(room: Room, event: Event, stateBefore: number, options: PersistOptions = {}): Promise<Persisted> {
    const head = await this.#parts.heads.get(room)
    const plan = await this.#plan(room, event, stateBefore, options)
    const others = await endsBeside(this.#parts, head, event, plan.nid)
    if (others.length === 0 && head.stateRoot === stateBefore) return this.#extend(room, event, stateBefore, plan, options)
    return this.#fork(room, head, event, stateBefore, plan, others, options)
  }

  /**
   * Adds the join with which this server comes into a room, for the first time or again: nothing from before counts as an end
   * of the room any more, and the state after the join is the current one. Only under the room's lock.
   */
  async enter(room: Room, join: Event, stateBefore: number, options: PersistOptions = {}): Promise<Persisted> {
    const head = await this.#parts.heads.get(room)
    const others = await this.#members.between(head.stateRoot, stateBefore)
    const plan = await this.#plan(room, join, stateBefore, {}, true)
    const own = changeBy({ ...join, nid: plan.nid })
    const members = await this.#members.prepare(room, [...others.filter(({ userId }) => userId !== join.stateKey), ...own])
    return this.#place(room, join, stateBefore, plan, members, options)
  }

  /**
   * Keeps an event that is not part of the room's timeline: rejected or soft-failed. Only under the room's lock.
   * It may be history, behind which more may follow, and final: refused by the policy server, whoever comes into the room.
   */
  async keep(room: Room, event: Event, standing: Standing, stateBefore: number, how: KeepOptions = {}): Promise<Persisted> {
    const plan = await this.#plan(room, event, stateBefore, {}, how.isHistory ?? false)
    // A soft-failed event has a state after it, since others may build on it; a rejected one changes nothing.
    const change = standing === Standing.softFailed ? plan.change : { root: stateBefore, nodes: new Map() }
    return this.#write(room, (batch) => {
      this.#parts.maps.write(batch, change)
      this.#noteGaps(batch, room, event, { nid: plan.nid, missing: plan.missing ?? [] })
      const stored = this.#append(batch, room, event, { standing, stateBefore, stateAfter: change.root }, plan)
      if (standing === Standing.softFailed && !how.isFinal) this.#parts.sticky.note(batch, stored, true)
      return stored
    })
  }

  /** Keeps events without a place in the room: auth chains, and state from before our time. Those that we have are left out. Only under the room's lock. */
  async keepOutliers(
    room: Room,
    outliers: readonly Event[],
    rejected: ReadonlySet<EventId>,
  ): Promise<{ written: Promise<void> }> {
    const { db, events, names } = this.#parts
    const known = await events.nids(outliers.map(({ eventId }) => eventId))
    const fresh = outliers.filter(({ eventId }) => !known.has(eventId))
    if (fresh.length === 0) return { written: Promise.resolve() }
    const resolved = await names.resolve(fresh.flatMap((event) => events.namesOf(event)))
    const cited = new Map(await events.nids(fresh.flatMap((event) => [...event.prevEvents, ...event.authEvents])))
    for (const event of fresh) cited.set(event.eventId, events.drawNid())
    const written = db.write((batch) => {
      for (const event of fresh) {
        const standing = rejected.has(event.eventId) ? Standing.rejected : Standing.outlier
        const placement = { standing, stateBefore: undefined, stateAfter: undefined }
        events.append(batch, { nid: cited.get(event.eventId) ?? 0, room, event, placement, names: resolved, cited })
      }
    }, room.nid)
    return { written }
  }

  /** Adds an event of the past to the start of its room's timeline, or into a free `place` in it: it moves no head and notifies nobody. */
  async insert(room: Room, event: Event, stateBefore: number, place?: number): Promise<Persisted> {
    const plan = await this.#plan(room, event, stateBefore, {}, true)
    return this.#write(room, (batch) => {
      this.#parts.maps.write(batch, plan.change)
      const placement = { standing: Standing.accepted, stateBefore, stateAfter: plan.change.root }
      const stored = this.#append(batch, room, event, placement, plan)
      relate(this.#parts, batch, room.nid, event, this.#parts.timelines.insert(batch, room.nid, plan.nid, place), plan.nid)
      this.#noteGaps(batch, room, event, plan)
      return stored
    })
  }

  /** The common case: the event cites the whole end of the room, and its state is the current one. */
  async #extend(room: Room, event: Event, stateBefore: number, plan: Plan, options: PersistOptions): Promise<Persisted> {
    const members = await this.#members.prepare(room, changeBy({ ...event, nid: plan.nid }))
    return this.#place(room, event, stateBefore, plan, members, options)
  }

  /** The event becomes the only end of the room. */
  #place(room: Room, event: Event, stateBefore: number, plan: Plan, members: MemberChanges, options: PersistOptions): Persisted {
    const { root } = plan.change
    return this.#write(room, (batch) => {
      this.#parts.maps.write(batch, plan.change)
      const stored = this.#append(batch, room, event, { standing: Standing.accepted, stateBefore, stateAfter: root }, plan)
      const head = { extremities: [extremityOf(stored)], stateRoot: root }
      this.#finish(batch, room, event, stored, plan, head, members, options)
      return stored
    })
  }

  /**
   * The event leaves other ends beside it: the current state has to be resolved anew. That may take long, so that nothing is
   * queued before it is done.
   */
  async #fork(
    room: Room,
    head: RoomHead,
    event: Event,
    stateBefore: number,
    plan: Plan,
    others: readonly ForwardExtremity[],
    options: PersistOptions,
  ): Promise<Persisted> {
    const { db, maps, resolver } = this.#parts
    const root = plan.change.root
    const batch = db.draft()
    try {
      // The resolution finds the event and its state as pending ones.
      maps.write(batch, plan.change)
      const stored = this.#append(batch, room, event, { standing: Standing.accepted, stateBefore, stateAfter: root }, plan)
      const isEnd = others.length === 0 || !(await isBuiltOn(this.#parts, room, event))
      const extremities = isEnd ? [...others, extremityOf(stored)] : others
      const roots = extremities.map(({ stateAfter }) => stateAfter)
      const stateRoot = await resolver.resolve(room, roots, options.effort)
      const members = await this.#members.prepare(room, await this.#members.between(head.stateRoot, stateRoot))
      this.#finish(batch, room, event, stored, plan, { extremities, stateRoot }, members, options)
      return { stored, written: db.queue(batch, room.nid) }
    } catch (cause) {
      batch.settle(false)
      throw cause
    }
  }

  async #plan(
    room: Room,
    event: Event,
    stateBefore: number,
    options: PersistOptions,
    mayLeaveGap = serverOf(event.sender) !== this.#parts.serverName,
  ): Promise<Plan> {
    const { names, events, maps } = this.#parts
    const resolved = await names.resolve(events.namesOf(event))
    const cited = await events.nids([...(options.isNew ? [] : [event.eventId]), ...event.prevEvents, ...event.authEvents])
    const outlier = cited.get(event.eventId)
    const nid = outlier ?? events.drawNid()
    const change =
      event.stateKey === undefined
        ? { root: stateBefore, nodes: new Map() }
        : await maps.change(stateBefore, new Map([[resolved.reserve(kindOf(event.type, event.stateKey)), nid]]))
    return {
      nid,
      wasOutlier: outlier !== undefined,
      names: resolved,
      cited,
      change,
      redactions: await this.#redactions.plan(room, event, stateBefore, options.isNew ?? false),
      destinations: options.forward ? await destinationsOf(this.#parts, room, event, options.isNew ?? false) : [],
      missing: mayLeaveGap ? await events.unplaced(room, event.prevEvents) : undefined,
    }
  }

  #append(batch: Batch, room: Room, event: Event, placement: Placement, plan: Plan): StoredEvent {
    const { events } = this.#parts
    const { nid, names, cited } = plan
    const kept = { nid, room, event, placement, names, cited }
    const stored = plan.wasOutlier ? events.settle(batch, kept) : events.append(batch, kept)
    this.#redactions.apply(batch, room, event, stored, plan.redactions)
    return stored
  }

  #finish(
    batch: Batch,
    room: Room,
    event: Event,
    stored: StoredEvent,
    plan: Plan,
    next: RoomHead,
    members: MemberChanges,
    options: PersistOptions,
  ): void {
    if (plan.redactions.isShown) {
      const position = this.#parts.timelines.append(batch, room.nid, stored.nid, (plan.missing?.length ?? 0) > 0)
      relate(this.#parts, batch, room.nid, event, position, stored.nid)
      this.#parts.sticky.note(batch, stored, false)
    }
    if (options.isNew) this.#parts.relations.begin(event.eventId)
    this.#redactions.applyToStay(batch, stored, plan.redactions)
    this.#noteGaps(batch, room, event, plan)
    this.#parts.heads.advance(batch, room, next)
    // An event that clients are not shown does not tell them of a state, either.
    if (!plan.redactions.isShown || next.stateRoot !== plan.change.root)
      this.#parts.stateJumps.add(batch, room.nid, next.stateRoot)
    this.#members.apply(batch, room, members)
    if (plan.destinations.length > 0) this.#parts.outbox.enqueue(batch, plan.destinations, stored.nid)
    this.#parts.onAccepted?.(serverOf(event.sender) === this.#parts.serverName ? 'local' : 'remote')
    options.also?.(batch, stored)
  }

  #write(room: Room, fill: (batch: Batch) => StoredEvent): Persisted {
    const filled: { stored?: StoredEvent } = {}
    const written = this.#parts.db.write((batch) => {
      filled.stored = fill(batch)
    }, room.nid)
    // The callback has run: `write` calls it before it returns.
    if (!filled.stored) throw new Error('the batch was not filled')
    return { stored: filled.stored, written }
  }

  /** Where the event cites what has no place here, history goes on behind it; and what was missing may be this event. */
  #noteGaps(batch: Batch, room: Room, event: Event, { missing, nid }: Pick<Plan, 'missing' | 'nid'>): void {
    if (!missing) return
    const { timelines } = this.#parts
    timelines.removeMissing(batch, room.nid, eventIdBytes(event.eventId))
    for (const prev of missing) timelines.addMissing(batch, room.nid, eventIdBytes(prev), nid)
  }
}
