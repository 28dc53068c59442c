/**
 * The form of a PDU in each room version: the section "Event format" of https://spec.matrix.org/v1.19/rooms/ and
 * https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
import { isEventId, isRoomId, isUserId, type EventId, type RoomId } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { type Canonical, tryCanonicalJson, tryLenientCanonicalJson } from './canonical-json.ts'
import type { Event, Pdu } from './event.ts'
import { eventIdFromBytes, isEventIdOf, roomIdOfCreate } from './event-id.ts'
import { hashOfText, referenceHash, withoutUnhashed } from './hashes.ts'
import { redact } from './redaction.ts'
import type { RoomRules } from './room-versions.ts'
import { integerOf } from './strict-json.ts'

/** The complete event MUST NOT be larger than 65536 bytes, including any signatures, encoded as Canonical JSON. */
export const MAX_EVENT_BYTES = 65_536
/** The longest type and state key, in bytes. */
const MAX_KEY_BYTES = 255
const MAX_PREV_EVENTS = 20
const MAX_AUTH_EVENTS = 10
/** 2^63 - 1, as near as a double comes; canonical JSON lowers it to 2^53 - 1 since v6. */
const MAX_DEPTH_BEFORE_V6 = 2 ** 63
const HASH_BYTES = 32

/** A PDU that is not of the form of its room version is dropped; the text says why. */
export interface Refused {
  readonly refused: string
}

export interface ParsedEvent {
  readonly event: Event
  /** Whether `hashes` fits the event. Where it does not, `redactedEvent` takes the event's place. */
  readonly contentHashMatches: boolean
}

export interface ParseOptions {
  /**
   * The response of backfill MUST NOT be validated on the number of `prev_events` and `auth_events`: events from before
   * there was a limit may have more.
   */
  readonly unlimitedEdges?: boolean
}

/**
 * Checks the form of a PDU from another server and reads it, with its id and its content hash. Its `unsigned` is left
 * out: nothing vouches for it. Signatures and authorisation are not looked at.
 * @param pdu parsed by `parseLossless`, so that numbers are what they were on the wire
 */
export function parseEvent(pdu: Json, rules: RoomRules, options: ParseOptions = {}): ParsedEvent | Refused {
  if (!isJsonObject(pdu)) return { refused: 'not a JSON object' }
  const misfit = signedPartsMisfit(pdu)
  if (misfit !== undefined) return { refused: misfit }
  const hashed = canonical(withoutUnhashed(pdu), rules)
  if ('refused' in hashed) return hashed
  const rest = canonical({ hashes: pdu['hashes'] ?? null, signatures: pdu['signatures'] ?? null }, rules)
  if ('refused' in rest) return rest
  // Joined, the two objects lose a brace each and gain a comma.
  const bytes = Buffer.byteLength(hashed.text) + Buffer.byteLength(rest.text) - 1
  if (bytes > MAX_EVENT_BYTES) return { refused: `${bytes} bytes, more than ${MAX_EVENT_BYTES}` }
  const chosenId = pdu['event_id']
  const eventId = rules.eventIdFormat === 'chosen' ? chosenId : eventIdFromBytes(referenceHash(pdu, rules), rules)
  if (typeof eventId !== 'string' || !isEventIdOf(eventId, rules)) return { refused: 'event_id is not an event ID' }
  const event = readEvent(withoutUnsigned(pdu), rules, eventId, options)
  return 'refused' in event ? event : { event, contentHashMatches: contentHashMatches(pdu, hashed.text) }
}

function canonical(value: JsonObject, rules: RoomRules): Canonical {
  return rules.strictCanonicalJson ? tryCanonicalJson(value) : tryLenientCanonicalJson(value)
}

/** What is wrong with `hashes` or `signatures`, if anything. */
function signedPartsMisfit(pdu: Pdu): string | undefined {
  const { hashes, signatures } = pdu
  if (!isJsonObject(hashes) || typeof hashes['sha256'] !== 'string') return 'hashes.sha256 is not a string'
  if (!isJsonObject(signatures)) return 'signatures is not an object'
  const fits = Object.values(signatures).every((ofServer) => isJsonObject(ofServer) && Object.values(ofServer).every(isString))
  return fits ? undefined : 'signatures does not hold an object of strings for each server'
}

/** Whether a PDU is whole: one whose content hash did not fit when it came, or that came redacted, is not. */
export function hasItsContent(pdu: Pdu): boolean {
  const hashed = tryLenientCanonicalJson(withoutUnhashed(pdu))
  return !('refused' in hashed) && contentHashMatches(pdu, hashed.text)
}

/** The content hash in the `hashes` property is base64-decoded, and the two are compared for equality. */
function contentHashMatches(pdu: Pdu, hashedText: string): boolean {
  const claimed = decodeBase64(stringAt(objectAt(pdu, 'hashes') ?? {}, 'sha256') ?? '', HASH_BYTES)
  return claimed !== undefined && encodeBase64(claimed) === hashOfText(hashedText)
}

function withoutUnsigned(pdu: Pdu): Pdu {
  if (!Object.hasOwn(pdu, 'unsigned')) return pdu
  const { unsigned: _unsigned, ...rest } = pdu
  return rest
}

/**
 * Reads a PDU whose id is known, checking each member but neither size, nor numbers, nor hashes: what our own storage
 * gives back needs no more.
 */
export function readEvent(pdu: Pdu, rules: RoomRules, eventId: EventId, options: ParseOptions = {}): Event | Refused {
  const { type, sender, content, state_key: stateKey } = pdu
  if (!isString(type) || !isShort(type)) return { refused: `type is not a string of at most ${MAX_KEY_BYTES} bytes` }
  if (!isString(sender) || !isUserId(sender)) return { refused: 'sender is not a user ID' }
  if (stateKey !== undefined && !(isString(stateKey) && isShort(stateKey))) {
    return { refused: `state_key is not a string of at most ${MAX_KEY_BYTES} bytes` }
  }
  if (!isJsonObject(content)) return { refused: 'content is not an object' }
  const roomId = roomIdOf(pdu, rules, eventId)
  if (roomId === undefined) return { refused: 'room_id is not a room ID' }
  const originServerTs = integerOf(pdu['origin_server_ts'])
  if (originServerTs === undefined) return { refused: 'origin_server_ts is not an integer' }
  const depth = integerOf(pdu['depth'])
  if (depth === undefined || depth < 0 || depth > MAX_DEPTH_BEFORE_V6) return { refused: 'depth is not an integer in its range' }
  const prevEvents = citedEvents(pdu['prev_events'], rules)
  if (prevEvents === undefined) return { refused: 'prev_events is not a list of events' }
  const authEvents = citedEvents(pdu['auth_events'], rules)
  if (authEvents === undefined) return { refused: 'auth_events is not a list of events' }
  if (options.unlimitedEdges !== true) {
    if (prevEvents.length > MAX_PREV_EVENTS) return { refused: `more than ${MAX_PREV_EVENTS} prev_events` }
    if (authEvents.length > MAX_AUTH_EVENTS) return { refused: `more than ${MAX_AUTH_EVENTS} auth_events` }
  }
  return {
    eventId,
    roomId,
    type,
    stateKey,
    sender,
    content,
    originServerTs: clamped(originServerTs),
    depth: clamped(depth),
    prevEvents,
    authEvents,
    redacts: redactsOf(pdu, content, rules),
    rules,
    pdu,
  }
}

/** The event as it is once its content is redacted, with the same id. */
export function redactedEvent(event: Event): Event {
  const pdu = redact(event.pdu, event.rules.redaction)
  const content = objectAt(pdu, 'content') ?? {}
  return { ...event, content, redacts: redactsOf(pdu, content, event.rules), pdu }
}

/** Since v12 a create event has no `room_id`: its own id takes the place. That it has none is an authorisation rule. */
function roomIdOf(pdu: Pdu, rules: RoomRules, eventId: EventId): RoomId | undefined {
  const roomId = pdu['room_id']
  if (roomId === undefined && rules.roomIdIsCreateHash && pdu['type'] === 'm.room.create') return roomIdOfCreate(eventId)
  return isString(roomId) && isRoomId(roomId) ? roomId : undefined
}

/** Event ids, which room versions 1 and 2 give in pairs with hashes. */
function citedEvents(value: Json | undefined, rules: RoomRules): EventId[] | undefined {
  if (!Array.isArray(value)) return undefined
  const ids: EventId[] = []
  for (const entry of value) {
    const id = rules.eventIdFormat === 'chosen' ? idOfPair(entry) : entry
    if (!isString(id) || !isEventIdOf(id, rules)) return undefined
    ids.push(id)
  }
  return ids
}

function idOfPair(pair: Json): Json | undefined {
  return Array.isArray(pair) && pair.length === 2 && isJsonObject(pair[1]) ? pair[0] : undefined
}

function redactsOf(pdu: Pdu, content: JsonObject, rules: RoomRules): EventId | undefined {
  if (pdu['type'] !== 'm.room.redaction') return undefined
  const redacts = rules.redactsInContent ? content['redacts'] : pdu['redacts']
  return isString(redacts) && isEventId(redacts) ? redacts : undefined
}

/** Room versions 1 to 5 allow integers that JavaScript does not hold exactly; in the PDU they stay as they came. */
function clamped(value: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
}

function isString(value: Json | undefined): value is string {
  return typeof value === 'string'
}

/** Whether a type or state key is of an allowed length. */
export function isShort(value: string): boolean {
  return value.length <= MAX_KEY_BYTES && (value.length <= MAX_KEY_BYTES / 3 || Buffer.byteLength(value) <= MAX_KEY_BYTES)
}
