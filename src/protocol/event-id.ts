/**
 * Event ids: `$opaque:domain`, chosen by the sender's server, in room versions 1 and 2; `$` and the reference hash in
 * base64 from version 3 on. https://spec.matrix.org/v1.19/appendices/#event-ids
 */
import { type EventId, isEventId, isServerName, type RoomId, serverOf } from '../../schemas/ids.ts'
import { badJson } from '../core/errors.ts'
import { encodeBase64 } from './base64.ts'
import type { Pdu } from './event.ts'
import { referenceHash } from './hashes.ts'
import type { RoomRules } from './room-versions.ts'

/** 43 characters carry 258 bits, so the last one ends in two zero bits: no other spelling means the same hash. */
const HASH_IDS = {
  base64: /^\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/,
  'url-safe': /^\$[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/,
} as const

/**
 * The id of an event.
 * @throws {MatrixError} M_BAD_JSON where a PDU of room version 1 or 2 has no valid `event_id`, or one of a later version
 * has no canonical form
 */
export function eventIdOf(pdu: Pdu, rules: RoomRules): EventId {
  if (rules.eventIdFormat !== 'chosen') return eventIdFromBytes(referenceHash(pdu, rules), rules)
  const id = pdu['event_id']
  if (typeof id !== 'string' || !isEventIdOf(id, rules)) throw badJson('event_id is not an event ID')
  return id
}

/** Whether text can be the id of an event in a room of that version. */
export function isEventIdOf(text: string, rules: RoomRules): text is EventId {
  if (rules.eventIdFormat === 'chosen') return isEventId(text) && isServerName(serverOf(text))
  return HASH_IDS[rules.eventIdFormat].test(text)
}

/** The 32 bytes of an id that is a hash; undefined for a chosen one, and for a spelling that no server would give. */
export function eventIdBytes(eventId: string): Buffer | undefined {
  const isHash = HASH_IDS['url-safe'].test(eventId) || HASH_IDS.base64.test(eventId)
  return isHash ? Buffer.from(eventId.slice(1), 'base64') : undefined
}

/** The id of the event with that reference hash, in a room version with hashes for ids. */
export function eventIdFromBytes(bytes: Uint8Array, rules: RoomRules): EventId {
  const hash = encodeBase64(bytes)
  return `$${rules.eventIdFormat === 'url-safe' ? hash.replaceAll('+', '-').replaceAll('/', '_') : hash}` as EventId
}

/** Since v12: the room ID is the event ID of the `m.room.create` event with sigil `!` instead of `$`. */
export function roomIdOfCreate(eventId: EventId): RoomId {
  return `!${eventId.slice(1)}` as RoomId
}
