import { RecentCache } from '../core/recent-cache.ts'
import { CacheUse } from '../core/cache-use.ts'
import type { EventId } from '../../schemas/ids.ts'
import type { Event } from '../protocol/event.ts'
import type { AuthGraph } from './auth-graph.ts'
import type { Batch, Database } from './database.ts'
import { type BodyHead, encodeBody, headOf, namesInBody } from './event-layout.ts'
import { eventIdBytes } from './event-ids.ts'
import { EventLoader } from './event-loader.ts'
import { kindOf } from './kind.ts'
import type { Names, ResolvedNames } from './names.ts'
import type { Room, Rooms } from './rooms.ts'
import { EVENT_COLUMNS, type EventRow, isPlaced, REDACTED, Standing, StoredEvent } from './stored-event.ts'

const NID_BY_ID = 'SELECT event_nid, event_id FROM events WHERE event_id = ?'
const INSERT = `INSERT INTO events (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
const SETTLE = 'UPDATE events SET standing = ?, state_before = ?, state_after = ?, body = ? WHERE event_nid = ?'
const MARK_REDACTED = `UPDATE events SET standing = standing | ${REDACTED} WHERE event_nid = ?`

const CACHED_EVENTS = 20_000
const CACHED_PDUS = 5_000
/** Of each kind; of the longest events, some 700. */
const CACHED_CHARACTERS = 48_000_000

interface CachedPdu {
  readonly event: Event
  readonly weight: number
}

/** What an event became, as `append` and `settle` write it. */
export interface Placement {
  standing: Standing
  /** Roots of the state before and after the event; undefined for an outlier. */
  stateBefore: number | undefined
  stateAfter: number | undefined
}

/** An event, and all that it is kept with. */
export interface KeptEvent {
  readonly nid: number
  readonly room: Room
  readonly event: Event
  readonly placement: Placement
  /** Of what `namesOf` gives. */
  readonly names: ResolvedNames
  /** The nids of those prev and auth events that we have. */
  readonly cited: ReadonlyMap<string, number>
}

/** The `events` table: every event that we have, each once, whatever its standing. */
export class Events {
  readonly #db: Database
  readonly #loader: EventLoader
  readonly #authGraph: AuthGraph
  readonly #stored = new RecentCache<number, StoredEvent>({
    max: CACHED_EVENTS,
    maxWeight: CACHED_CHARACTERS,
    weightOf: ({ weight }) => weight,
  })
  readonly cacheUse = new CacheUse()
  readonly #pdus = new RecentCache<number, CachedPdu>({
    max: CACHED_PDUS,
    maxWeight: CACHED_CHARACTERS,
    weightOf: ({ weight }) => weight,
  })
  readonly #nids = new RecentCache<string, number>(CACHED_EVENTS)
  /** Ids that were looked for in vain: each received event is asked for several times before it is here. */
  readonly #absent = new RecentCache<string, true>(CACHED_EVENTS)
  /** Events of batches that are not durable yet: the next events of their rooms build on them. */
  readonly #pending = new Map<number, { event: Event; stored: StoredEvent }>()
  readonly #pendingNids = new Map<string, number>()
  #last: number

  constructor(db: Database, names: Names, rooms: Rooms, authGraph: AuthGraph) {
    this.#db = db
    this.#loader = new EventLoader(db, names, rooms)
    this.#authGraph = authGraph
    this.#last = db.maximum('events', 'event_nid')
  }

  /** The largest nid that was drawn. */
  get lastNid(): number {
    return this.#last
  }

  /** The nids of those of the events that we have, outliers and rejected ones included. */
  async nids(eventIds: Iterable<EventId>): Promise<Map<EventId, number>> {
    const found = new Map<EventId, number>()
    const missing = new Map<string, EventId>()
    for (const eventId of eventIds) {
      const nid = this.#nids.get(eventId) ?? this.#pendingNids.get(eventId)
      if (nid !== undefined) found.set(eventId, nid)
      else if (!this.#absent.has(eventId)) missing.set(eventId, eventId)
    }
    for (const eventId of missing.values()) {
      const row = await this.#db.get<{ event_nid: number }>(NID_BY_ID, eventIdBytes(eventId))
      if (row) found.set(eventId, row.event_nid)
      // It may have come meanwhile.
      else if (!this.#pendingNids.has(eventId) && !this.#nids.has(eventId)) this.#absent.set(eventId, true)
    }
    return found
  }

  /** The events of a set of ids, by id; those that we do not have are left out. */
  async byIds(eventIds: Iterable<EventId>): Promise<Map<EventId, StoredEvent>> {
    const nids = await this.nids(eventIds)
    const events = await this.byNids(nids.values())
    const found = new Map<EventId, StoredEvent>()
    for (const event of events.values()) found.set(event.eventId, event)
    return found
  }

  /** Those of the events that have no place in a room here: unknown ones, outliers, and events of other rooms. */
  async unplaced(room: Room, eventIds: readonly EventId[]): Promise<EventId[]> {
    const known = await this.byIds(eventIds)
    return eventIds.filter((eventId) => !isPlaced(known.get(eventId), room))
  }

  async byId(eventId: EventId): Promise<StoredEvent | undefined> {
    return (await this.byIds([eventId])).get(eventId)
  }

  /** The event of an id that a row gave us. */
  async byStoredId(eventId: Uint8Array): Promise<StoredEvent | undefined> {
    const row = await this.#db.get<{ event_nid: number }>(NID_BY_ID, eventId)
    return row && this.get(row.event_nid)
  }

  /** The events of a set of nids, by nid, in the order asked for. */
  async byNids(nids: Iterable<number>): Promise<Map<number, StoredEvent>> {
    const found = new Map<number, StoredEvent>()
    const missing: number[] = []
    const wanted = [...nids]
    for (const nid of wanted) {
      // Held on to: what is loaded now may push it out of memory.
      const event = this.cached(nid)
      if (event) found.set(nid, event)
      else missing.push(nid)
    }
    if (missing.length === 0) return found
    for (const event of await this.#loader.stored(missing)) {
      this.#stored.set(event.nid, event)
      this.#nids.set(event.eventId, event.nid)
      found.set(event.nid, event)
    }
    const ordered = new Map<number, StoredEvent>()
    for (const nid of wanted) {
      const event = found.get(nid)
      if (event) ordered.set(nid, event)
    }
    return ordered
  }

  /** The event of a nid that a row gave us. */
  async get(nid: number): Promise<StoredEvent> {
    const event = this.cached(nid) ?? (await this.byNids([nid])).get(nid)
    if (!event) throw new Error(`no event has the nid ${nid}`)
    return event
  }

  /** The event if it is in memory: lets hot paths go on without a promise. */
  cached(nid: number): StoredEvent | undefined {
    return this.cacheUse.count(this.#stored.get(nid) ?? this.#pending.get(nid)?.stored)
  }

  /** An event with its PDU, if all of it is in memory. */
  whole(nid: number): { readonly event: Event; readonly stored: StoredEvent } | undefined {
    const event = this.#pdus.get(nid)?.event
    const stored = event && this.#stored.get(nid)
    return stored ? { event, stored } : this.#pending.get(nid)
  }

  /** Whole events with their PDUs, by nid, in the order asked for: for the protocol's algorithms and for other servers. */
  async pdus(nids: Iterable<number>): Promise<Map<number, Event>> {
    const ordered = new Map<number, Event>()
    const missing: number[] = []
    for (const nid of nids) {
      const event = this.#pdus.get(nid)?.event ?? this.#pending.get(nid)?.event
      if (event) ordered.set(nid, event)
      else {
        missing.push(nid)
        ordered.set(nid, undefined as unknown as Event) // keeps the place
      }
    }
    if (missing.length > 0) {
      const stored = await this.byNids(missing)
      const loaded = await this.#loader.whole([...stored.values()], (nid) => this.cached(nid))
      for (const nid of missing) {
        const event = loaded.get(nid)
        if (!event) ordered.delete(nid)
        else {
          ordered.set(nid, event)
          this.#pdus.set(nid, { event, weight: stored.get(nid)?.weight ?? 0 })
        }
      }
    }
    return ordered
  }

  async pdu(nid: number): Promise<Event> {
    const event = this.#pdus.get(nid)?.event ?? (await this.pdus([nid])).get(nid)
    if (!event) throw new Error(`no event has the nid ${nid}`)
    return event
  }

  /** The names that `append` needs for an event; resolve them (for several events at once) before the batch. */
  namesOf(event: Event): string[] {
    return [event.sender, kindOf(event.type, event.stateKey), ...namesInBody(event.pdu)]
  }

  /** The nid for a new event, so that the state after it can be worked out before it is appended. */
  drawNid(): number {
    return ++this.#last
  }

  /** Queues a new event under the nid that was drawn for it. Returns it as readers will see it. */
  append(batch: Batch, kept: KeptEvent): StoredEvent {
    const { nid, room, event, cited } = kept
    const { row, head, body } = this.#layOut(batch, kept)
    const { event_id, kind_nid, sender_nid, standing, state_before, state_after } = row
    batch.run(INSERT, nid, event_id, room.nid, kind_nid, sender_nid, standing, state_before, state_after, body)
    if (event.stateKey !== undefined) {
      const authEvents = new Set(event.authEvents.flatMap((id) => cited.get(id) ?? []))
      this.#authGraph.add(batch, { citing: nid, kind: kind_nid }, [...authEvents])
    }
    return this.#keepUntilSettled(batch, event, row, head, room)
  }

  /**
   * Gives an outlier that has now been judged its standing and its place in the room's state. It is kept as it was judged: it
   * may have come with more signatures.
   */
  settle(batch: Batch, kept: KeptEvent): StoredEvent {
    const { row, head, body } = this.#layOut(batch, kept)
    batch.run(SETTLE, row.standing, row.state_before, row.state_after, body, kept.nid)
    return this.#keepUntilSettled(batch, kept.event, row, head, kept.room)
  }

  /** Applies a redaction: readers get the redacted form from the commit on. */
  markRedacted(batch: Batch, nid: number): void {
    batch.run(MARK_REDACTED, nid)
    batch.onSettled(() => this.#stored.delete(nid))
  }

  /** The batch redacts what a user has sent to a room. */
  reread(batch: Batch, roomNid: number, senderNid: number): void {
    batch.onSettled(() => this.#stored.deleteWhere((event) => event.senderNid === senderNid && event.room.nid === roomNid))
  }

  #layOut(
    batch: Batch,
    { nid, room, event, placement, names, cited }: KeptEvent,
  ): { row: EventRow; head: BodyHead; body: Buffer } {
    const { standing, stateBefore, stateAfter } = placement
    const head = headOf(event)
    const row = {
      event_nid: nid,
      event_id: eventIdBytes(event.eventId),
      room_nid: room.nid,
      kind_nid: names.nid(batch, kindOf(event.type, event.stateKey)),
      sender_nid: names.nid(batch, event.sender),
      standing,
      state_before: stateBefore ?? null,
      state_after: stateAfter === stateBefore ? null : (stateAfter ?? null),
    }
    return { row, head, body: encodeBody(event, head, { event: (id) => cited.get(id), name: (text) => names.nid(batch, text) }) }
  }

  #keepUntilSettled(batch: Batch, event: Event, row: EventRow, head: BodyHead, room: Room): StoredEvent {
    const { nid, eventId } = { nid: row.event_nid, eventId: event.eventId }
    const stored = new StoredEvent(row, head, room, { kind: kindOf(event.type, event.stateKey), sender: event.sender })
    this.#pending.set(nid, { event, stored })
    this.#pendingNids.set(eventId, nid)
    this.#absent.delete(eventId)
    batch.onSettled((committed) => {
      this.#pending.delete(nid)
      this.#pendingNids.delete(eventId)
      if (!committed) return
      this.#stored.set(nid, stored)
      this.#pdus.set(nid, { event, weight: stored.weight })
      this.#nids.set(eventId, nid)
    })
    return stored
  }
}
