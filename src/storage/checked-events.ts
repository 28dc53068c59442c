/**
 * Events as the authorisation rules see them, for state resolution: many at once, in one query, and no more of each than
 * the rules ask for.
 */
import type { EventId, UserId } from '../../schemas/ids.ts'
import { slicesOf } from '../core/slices.ts'
import type { CheckedEvent } from '../protocol/event.ts'
import type { Database } from './database.ts'
import { eventIdOfBytes } from './event-ids.ts'
import { decodeCitations, type EventReference } from './event-layout.ts'
import type { Events } from './events.ts'
import { parseKind } from './kind.ts'
import type { Room } from './rooms.ts'
import { redactsOf } from './rebuilt-events.ts'
import { isRejected, parseOf, type StoredEvent } from './stored-event.ts'

const BY_NIDS = `SELECT event_nid, event_id, kind_nid, standing, body, kinds.name AS kind, senders.name AS sender
  FROM json_each(?) JOIN events ON event_nid = value AND room_nid = ?
  JOIN names AS kinds ON kinds.nid = kind_nid JOIN names AS senders ON senders.nid = sender_nid`
const IDS_BY_NIDS = 'SELECT event_nid, event_id FROM json_each(?) JOIN events ON event_nid = value'

/** Events that are read between two turns of the event loop. */
const PART = 256

/** An event, and what was found out about it when it was received. */
export interface KnownEvent {
  readonly nid: number
  readonly kindNid: number
  readonly isRejected: boolean
  readonly event: CheckedEvent
  /** The nids of its auth events, where reading it told them. */
  readonly authEvents: readonly number[] | undefined
}

interface Row {
  readonly event_nid: number
  readonly event_id: Uint8Array
  readonly kind_nid: number
  readonly standing: number
  readonly body: Uint8Array
  readonly kind: string
  readonly sender: string
}

type Citations = NonNullable<ReturnType<typeof decodeCitations>>

export interface CheckedEventsParts {
  db: Database
  events: Events
}

/** Reads for one resolution of a room: the ids that events cite are looked up once. */
export class CheckedEvents {
  readonly #parts: CheckedEventsParts
  readonly #room: Room
  readonly #ids = new Map<number, EventId>()

  constructor(parts: CheckedEventsParts, room: Room) {
    this.#parts = parts
    this.#room = room
  }

  /** The events of a set of nids, a part at a time; those that the room does not have are left out. */
  async *read(nids: readonly number[]): AsyncGenerator<KnownEvent[]> {
    for await (const part of slicesOf(nids, PART)) yield await this.#readPart(part)
  }

  async #readPart(nids: readonly number[]): Promise<KnownEvent[]> {
    const { events } = this.#parts
    const known: KnownEvent[] = []
    const missing: number[] = []
    for (const nid of nids) {
      const whole = events.whole(nid)
      if (whole?.stored.room.nid === this.#room.nid) known.push(knownEvent(whole.stored, whole.event))
      else missing.push(nid)
    }
    if (missing.length > 0) known.push(...(await this.#load(missing)))
    return known
  }

  async #load(nids: readonly number[]): Promise<KnownEvent[]> {
    const { db, events } = this.#parts
    const laidOut: [Row, Citations][] = []
    const others: number[] = []
    for (const row of await db.all<Row>(BY_NIDS, JSON.stringify(nids), this.#room.nid)) {
      // The rules look into the PDU of a create event.
      const citations = row.kind.startsWith('m.room.create\0') ? undefined : decodeCitations(row.body)
      if (citations) laidOut.push([row, citations])
      else others.push(row.event_nid)
    }
    await this.#readIds(laidOut)
    const known = laidOut.map(([row, citations]) => this.#checked(row, citations))
    for (const nid of others) known.push(knownEvent(await events.get(nid), await events.pdu(nid)))
    return known
  }

  #checked(row: Row, { head, prevEvents, authEvents }: Citations): KnownEvent {
    const { roomId, rules } = this.#room
    const content = parseOf(rules)(head.contentText)
    const { type, stateKey } = parseKind(row.kind)
    const event: CheckedEvent = {
      eventId: this.#idOf(row.event_nid),
      roomId,
      type,
      stateKey,
      sender: row.sender as UserId,
      content,
      originServerTs: head.originServerTs,
      depth: head.depth,
      prevEvents: prevEvents.map((reference) => this.#idOf(reference)),
      authEvents: authEvents.map((reference) => this.#idOf(reference)),
      redacts: redactsOf(type, content, head, rules),
      rules,
    }
    const nids = authEvents.filter((reference) => typeof reference === 'number')
    const isComplete = nids.length === authEvents.length
    return {
      nid: row.event_nid,
      kindNid: row.kind_nid,
      isRejected: isRejected(row.standing),
      event,
      authEvents: isComplete ? nids : undefined,
    }
  }

  async #readIds(read: readonly [Row, Citations][]): Promise<void> {
    for (const [row] of read) this.#noteId(row)
    const missing = new Set<number>()
    for (const [, { prevEvents, authEvents }] of read) {
      for (const cited of [...prevEvents, ...authEvents])
        if (typeof cited === 'number' && !this.#ids.has(cited)) missing.add(cited)
    }
    if (missing.size === 0) return
    for (const row of await this.#parts.db.all<Pick<Row, 'event_nid' | 'event_id'>>(IDS_BY_NIDS, JSON.stringify([...missing])))
      this.#noteId(row)
  }

  #noteId(row: Pick<Row, 'event_nid' | 'event_id'>): void {
    this.#ids.set(row.event_nid, eventIdOfBytes(row.event_id, this.#room.rules))
  }

  #idOf(reference: EventReference): EventId {
    const eventId = typeof reference === 'number' ? this.#ids.get(reference) : eventIdOfBytes(reference, this.#room.rules)
    if (eventId === undefined) throw new Error(`no event has the nid ${reference}`)
    return eventId
  }
}

function knownEvent(stored: StoredEvent, event: CheckedEvent): KnownEvent {
  return { nid: stored.nid, kindNid: stored.kindNid, isRejected: stored.isRejected, event, authEvents: undefined }
}
