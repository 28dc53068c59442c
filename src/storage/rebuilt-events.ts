/** Whole events out of their stored bodies, to the byte as they were signed. */
import type { EventId, RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Event, Pdu } from '../protocol/event.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import { parseJson } from '../core/json-text.ts'
import { eventIdBytes } from './event-ids.ts'
import {
  type BodyHead,
  type BodyRest,
  decodeCitations,
  decodeRest,
  type EventReference,
  type SignatureReference,
} from './event-layout.ts'
import { parseOf, type StoredEvent } from './stored-event.ts'

/** The nids of the events that some bodies cite, and those of the names in their signatures. */
export function referencesOf(rests: Iterable<BodyRest>): { events: Set<number>; names: Set<number> } {
  const events = new Set<number>()
  const names = new Set<number>()
  for (const rest of rests) {
    if (rest.raw !== undefined) continue
    for (const reference of [...rest.prevEvents, ...rest.authEvents]) if (typeof reference === 'number') events.add(reference)
    for (const { serverNid, keyNid } of rest.signatures) names.add(serverNid).add(keyNid)
  }
  return { events, names }
}

/** The event of a body. `idOf` gives the ids of what it cites, `names` those of its signatures. */
export function rebuiltEvent(
  event: StoredEvent,
  rest: BodyRest,
  idOf: (reference: EventReference) => EventId,
  names: ReadonlyMap<number, string>,
): Event {
  if (rest.raw !== undefined) return rawEvent(event, parseOf(event.room.rules)(rest.raw))
  const prevEvents = rest.prevEvents.map(idOf)
  const authEvents = rest.authEvents.map(idOf)
  const pdu: Pdu = {
    ...rest.extra,
    auth_events: authEvents,
    prev_events: prevEvents,
    content: event.originalContent,
    depth: event.head.depth,
    hashes: { sha256: rest.hash },
    origin_server_ts: event.head.originServerTs,
    sender: event.sender,
    signatures: signaturesOf(rest.signatures, names),
    type: event.type,
  }
  if (event.stateKey !== undefined) pdu.state_key = event.stateKey
  if (event.head.redacts !== undefined) pdu.redacts = event.head.redacts
  if (!(event.room.rules.roomIdIsCreateHash && event.type === 'm.room.create' && event.stateKey === ''))
    pdu.room_id = event.room.roomId
  return eventOf(event, pdu, prevEvents, authEvents)
}

/** The auth events that an event's body names. */
export function authReferences(body: Uint8Array): EventReference[] {
  const citations = decodeCitations(body)
  if (citations) return citations.authEvents
  const { raw = '' } = decodeRest(body)
  const { auth_events: cited } = parseJson(raw) as JsonObject
  return citedIds(cited).map(eventIdBytes)
}

/** Without a prototype: other servers choose the keys. */
function signaturesOf(references: readonly SignatureReference[], names: ReadonlyMap<number, string>): JsonObject {
  const signatures: Record<string, JsonObject> = Object.create(null)
  for (const { serverNid, keyNid, bytes } of references) {
    const keys = (signatures[names.get(serverNid) ?? ''] ??= Object.create(null) as JsonObject)
    keys[names.get(keyNid) ?? ''] = bytes.toString('base64').replace(/=+$/, '')
  }
  return signatures
}

/** The event of a PDU that was kept as text: in room versions 1 and 2 what it cites are pairs of an id and hashes. */
function rawEvent(event: StoredEvent, pdu: Pdu): Event {
  return eventOf(event, pdu, citedIds(pdu.prev_events), citedIds(pdu.auth_events))
}

function citedIds(list: unknown): EventId[] {
  return Array.isArray(list) ? list.map((entry) => (Array.isArray(entry) ? entry[0] : entry) as EventId) : []
}

function eventOf(event: StoredEvent, pdu: Pdu, prevEvents: EventId[], authEvents: EventId[]): Event {
  const content = pdu.content as JsonObject
  return {
    eventId: event.eventId,
    roomId: event.room.roomId as RoomId,
    type: event.type,
    stateKey: event.stateKey,
    sender: event.sender,
    content,
    originServerTs: event.head.originServerTs,
    depth: event.head.depth,
    prevEvents,
    authEvents,
    redacts: redactsOf(event.type, content, event.head, event.room.rules),
    rules: event.room.rules,
    pdu,
  }
}

/** The target of an `m.room.redaction`. */
export function redactsOf(type: string, content: JsonObject, head: BodyHead, rules: RoomRules): EventId | undefined {
  if (type !== 'm.room.redaction') return undefined
  const redacts = rules.redactsInContent ? content.redacts : head.redacts
  return typeof redacts === 'string' ? (redacts as EventId) : undefined
}
