import type { EventId } from '../../schemas/ids.ts'
import type { RoomRules } from '../protocol/room-versions.ts'

const HASH_ID = /^\$[A-Za-z0-9+/_-]{43}$/

/** How an event id is stored: the 32 bytes of the hash that it is, or the text of a chosen one (room versions 1 and 2). */
export function eventIdBytes(eventId: string): Uint8Array {
  return HASH_ID.test(eventId) ? Buffer.from(eventId.slice(1), 'base64') : Buffer.from(eventId)
}

export function eventIdOfBytes(bytes: Uint8Array, rules: RoomRules): EventId {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (rules.eventIdFormat === 'chosen') return buffer.toString() as EventId
  const text = rules.eventIdFormat === 'url-safe' ? buffer.toString('base64url') : buffer.toString('base64').slice(0, 43)
  return `$${text}` as EventId
}
