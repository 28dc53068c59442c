import { parseJson } from '../core/json-text.ts'
import type { EventId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import { parseLossless } from '../protocol/strict-json.ts'
import { redact } from '../protocol/redaction.ts'
import { STICKY } from '../protocol/sticky.ts'
import type { BodyHead } from './event-layout.ts'
import { eventIdOfBytes } from './event-ids.ts'
import { parseKind } from './kind.ts'
import type { Room } from './rooms.ts'

/**
 * What became of an event when it was received (server-server API, "Checks performed on receipt of a PDU"): rejected by the
 * auth events that it names, or only by the state before it. The latter may still be part of the states that others tell.
 */
export const Standing = { accepted: 0, outlier: 1, softFailed: 2, rejected: 3, rejectedByState: 4 } as const
export type Standing = (typeof Standing)[keyof typeof Standing]
export const REDACTED = 8

/** Whether an event was rejected, by its standing as its row has it. */
export function isRejected(standing: number): boolean {
  const own = standing & 7
  return own === Standing.rejected || own === Standing.rejectedByState
}

/** Of an event without content. */
const OWN_WEIGHT = 500

/** The members of an `EventRow`, and the body. */
export const EVENT_COLUMNS = 'event_nid, event_id, room_nid, kind_nid, sender_nid, standing, state_before, state_after, body'

export interface EventRow {
  event_nid: number
  event_id: Uint8Array
  room_nid: number
  kind_nid: number
  sender_nid: number
  standing: number
  state_before: number | null
  state_after: number | null
}

/**
 * An event as it is read for clients: everything but what it cites and who signed it.
 * Instances are shared by all readers; the event's client form is serialised once, by `clientText`.
 */
export class StoredEvent {
  readonly nid: number
  readonly eventId: EventId
  readonly room: Room
  readonly kindNid: number
  readonly senderNid: number
  readonly sender: UserId
  readonly type: string
  readonly stateKey: string | undefined
  readonly standing: Standing
  readonly redacted: boolean
  /** Roots of the state before and after it; 0 for an outlier. */
  readonly stateBefore: number
  readonly stateAfter: number
  readonly head: BodyHead
  #content: JsonObject | undefined
  #clientText: string | undefined

  constructor(row: EventRow, head: BodyHead, room: Room, names: { kind: string; sender: string }) {
    const { type, stateKey } = parseKind(names.kind)
    this.nid = row.event_nid
    this.eventId = eventIdOfBytes(row.event_id, room.rules)
    this.room = room
    this.kindNid = row.kind_nid
    this.senderNid = row.sender_nid
    this.sender = names.sender as UserId
    this.type = type
    this.stateKey = stateKey
    this.standing = (row.standing & 7) as Standing
    this.redacted = (row.standing & REDACTED) !== 0
    this.stateBefore = row.state_before ?? 0
    this.stateAfter = row.state_after ?? this.stateBefore
    this.head = head
  }

  /** About how many characters are kept in memory with it. */
  get weight(): number {
    return OWN_WEIGHT + this.head.contentText.length
  }

  get isRejected(): boolean {
    return isRejected(this.standing)
  }

  get isState(): boolean {
    return this.stateKey !== undefined
  }

  /** For how long its sender wants it to be sticky, in milliseconds; redaction ends that. */
  get stickyMs(): number | undefined {
    return this.redacted ? undefined : this.head.stickyMs
  }

  /** The content as clients may see it: redacted where the event is. */
  get content(): JsonObject {
    this.#content ??= this.redacted ? this.redactedContent : this.originalContent
    return this.#content
  }

  /** The content as it was signed. */
  get originalContent(): JsonObject {
    return parseOf(this.room.rules)(this.head.contentText)
  }

  /**
   * The event as clients get it, without `room_id` and `unsigned`, as JSON text without its closing brace:
   * each answer appends what is particular to it.
   */
  get clientText(): string {
    this.#clientText ??= this.redacted ? this.redactedClientText : this.originalClientText
    return this.#clientText
  }

  /** As `clientText`, for those who get a redacted copy of an event that nobody has redacted. */
  get redactedClientText(): string {
    return this.#serialise(JSON.stringify(this.redactedContent))
  }

  /** As `clientText`, with the content as it was signed: for those who may read what is redacted. */
  get originalClientText(): string {
    const { stickyMs } = this.head
    const sticky = stickyMs === undefined ? '' : `,"${STICKY}":{"duration_ms":${stickyMs}}`
    return this.#serialise(this.#wholeContentText()) + sticky
  }

  #serialise(content: string): string {
    const stateKey = this.stateKey === undefined ? '' : `,"state_key":${JSON.stringify(this.stateKey)}`
    const redacts = this.#redactsOfClients()
    return (
      `{"type":${JSON.stringify(this.type)},"sender":${JSON.stringify(this.sender)},"content":${content}${stateKey}` +
      `,"event_id":"${this.eventId}","origin_server_ts":${this.head.originServerTs}${redacts === undefined ? '' : `,"redacts":${JSON.stringify(redacts)}`}`
    )
  }

  /** Servers should add `redacts` to the content of redactions in room versions that have it at the top level. */
  #wholeContentText(): string {
    const { redacts, contentText } = this.head
    const isElsewhere = this.type === 'm.room.redaction' && redacts !== undefined && !this.room.rules.redactsInContent
    return isElsewhere ? JSON.stringify({ ...this.originalContent, redacts }) : contentText
  }

  /** Clients get `redacts` at the top level in every room version. https://spec.matrix.org/v1.19/rooms/v11/#event-format */
  #redactsOfClients(): string | undefined {
    if (this.type !== 'm.room.redaction') return undefined
    const inContent = this.content.redacts
    return this.head.redacts ?? (typeof inContent === 'string' ? inContent : undefined)
  }

  get redactedContent(): JsonObject {
    const redacted = redact({ type: this.type, content: this.originalContent }, this.room.rules.redaction)
    return redacted.content as JsonObject
  }
}

/** What some events weigh together. */
export function weightOf(events: readonly StoredEvent[]): number {
  let sum = 0
  for (const { weight } of events) sum += weight
  return sum
}

/** Before room version 6 numbers are kept as they were written: hashes cover them. */
export function parseOf(rules: RoomRules): (text: string) => JsonObject {
  return (rules.strictCanonicalJson ? parseJson : parseLossless) as (text: string) => JsonObject
}

/**
 * Whether an event may be part of a state that another server tells: no event is that its auth events reject. One that only the
 * state before it rejected here may have been accepted there, and state resolution decides (room versions, "State resolution").
 */
export function isStateOf(event: StoredEvent, room: Room): boolean {
  return event.isState && event.room.nid === room.nid && event.standing !== Standing.rejected
}

/**
 * Whether an event has a place in a room: it is of that room, and the state after it is known. That of an outlier is not, even
 * of one that its auth events reject.
 */
export function isPlaced(event: StoredEvent | undefined, room: Room): event is StoredEvent {
  return event !== undefined && event.stateAfter !== 0 && event.room.nid === room.nid
}
