/** Events of our own users, made and hashed in one go: each member is encoded once, for both hashes. */
import { hash } from 'node:crypto'
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { tooLarge } from '../core/errors.ts'
import { encodeBase64 } from './base64.ts'
import { canonicalJson, lenientCanonicalJson } from './canonical-json.ts'
import type { Event, Pdu } from './event.ts'
import { isShort, MAX_EVENT_BYTES } from './event-format.ts'
import { eventIdFromBytes, roomIdOfCreate } from './event-id.ts'
import { hashOfText } from './hashes.ts'
import { redactContent } from './redaction.ts'
import type { RoomRules } from './room-versions.ts'
import { STICKY } from './sticky.ts'

/** Kept free for `hashes` and for signatures, which an event gets when it first leaves: ours, and one of another server. */
const BYTES_FOR_REST = 512

export interface EventTemplate {
  readonly type: string
  /** Undefined for what is not a state event. */
  readonly stateKey?: string | undefined
  readonly sender: UserId
  /** Undefined for the create event of a room whose id is that event's hash (room version 12). */
  readonly roomId: RoomId | undefined
  readonly content: JsonObject
  /** The target of an `m.room.redaction`; it goes where the room version wants it. */
  readonly redacts?: EventId | undefined
  /** Milliseconds since the Unix epoch. */
  readonly originServerTs: number
  /** For how long it is to be sticky, in milliseconds. */
  readonly stickyMs?: number | undefined
  /** If the room's depth is already at the limit, the depth must be set to the limit: that is done here. */
  readonly depth: number
  readonly prevEvents: readonly EventId[]
  readonly authEvents: readonly EventId[]
  /** Needed in room versions 1 and 2 only: the id of the event, and the reference hashes of those it cites. */
  readonly chosen?: { readonly eventId: EventId; readonly referenceHashOf: (eventId: EventId) => Uint8Array } | undefined
}

/**
 * Makes an event with its content hash and its id. It is not signed: `signEvent` does that to its PDU.
 * @throws {MatrixError} M_BAD_JSON naming the part of the content that the room version does not allow; M_TOO_LARGE
 */
export function buildEvent(template: EventTemplate, rules: RoomRules): Event {
  const { type, stateKey, sender, authEvents, prevEvents, originServerTs, redacts } = template
  if (!isShort(type)) throw tooLarge('The event type is too long')
  if (stateKey !== undefined && !isShort(stateKey)) throw tooLarge('The state key is too long')
  const content = redacts !== undefined && rules.redactsInContent ? { ...template.content, redacts } : template.content
  const depth = Math.min(template.depth, Number.MAX_SAFE_INTEGER)
  const pdu = pduOf({ ...template, content, depth }, rules)
  const referenceHash = addHashes(pdu, type, content, rules)
  const eventId = template.chosen?.eventId ?? eventIdFromBytes(referenceHash, rules)
  const roomId = template.roomId ?? roomIdOfCreate(eventId)
  return { eventId, roomId, type, stateKey, sender, content, originServerTs, depth, prevEvents, authEvents, redacts, rules, pdu }
}

/** The PDU with its keys in canonical order; `hashes` still empty. */
function pduOf(template: EventTemplate, rules: RoomRules): Pdu {
  const { authEvents, chosen, content, depth, originServerTs, prevEvents, redacts, roomId, sender, stateKey, type } = template
  const cite = (ids: readonly EventId[]): Json[] =>
    chosen === undefined ? [...ids] : ids.map((id) => [id, { sha256: encodeBase64(chosen.referenceHashOf(id)) }])
  const pdu: Pdu = { auth_events: cite(authEvents), content, depth }
  if (chosen !== undefined) pdu['event_id'] = chosen.eventId
  pdu['hashes'] = {}
  if (template.stickyMs !== undefined) pdu[STICKY] = { duration_ms: template.stickyMs }
  pdu['origin_server_ts'] = originServerTs
  pdu['prev_events'] = cite(prevEvents)
  if (redacts !== undefined && !rules.redactsInContent) pdu['redacts'] = redacts
  if (roomId !== undefined) pdu['room_id'] = roomId
  pdu['sender'] = sender
  if (stateKey !== undefined) pdu['state_key'] = stateKey
  pdu['type'] = type
  return pdu
}

/** Fills `hashes` of a PDU whose keys are in canonical order, and gives its reference hash. */
function addHashes(pdu: Pdu, type: string, content: JsonObject, rules: RoomRules): Uint8Array {
  const encode = rules.strictCanonicalJson ? canonicalJson : lenientCanonicalJson
  let members = ''
  let essential = ''
  let hashesAt = 0
  for (const key of Object.keys(pdu)) {
    if (key === 'hashes') {
      hashesAt = essential.length
      continue
    }
    const text = encode(pdu[key] ?? null)
    members += `,"${key}":${text}`
    if (key === 'content') essential += `,"content":${essentialContent(text, type, content, rules)}`
    else if (rules.redaction.topLevel.has(key)) essential += `,"${key}":${text}`
  }
  const hashed = objectOf(members)
  if (Buffer.byteLength(hashed) + BYTES_FOR_REST > MAX_EVENT_BYTES)
    throw tooLarge(`The event takes more than ${MAX_EVENT_BYTES} bytes`)
  const sha256 = hashOfText(hashed)
  pdu['hashes'] = { sha256 }
  return hash(
    'sha256',
    objectOf(`${essential.slice(0, hashesAt)},"hashes":{"sha256":"${sha256}"}${essential.slice(hashesAt)}`),
    'buffer',
  )
}

/** Members that each begin with a comma, as an object. */
function objectOf(members: string): string {
  return `{${members.slice(1)}}`
}

/** The content as it is in the redacted event, encoded; most often nothing is left, and sometimes all. */
function essentialContent(text: string, type: string, content: JsonObject, rules: RoomRules): string {
  const rest = redactContent(type, content, rules.redaction)
  return rest === content ? text : lenientCanonicalJson(rest)
}
