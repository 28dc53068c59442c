/**
 * Matrix identifiers: a branded type, a check and a schema each.
 * https://spec.matrix.org/v1.19/appendices/#identifier-grammar
 */
import { Type } from 'typebox'

export type ServerName = string & { readonly brand: 'ServerName' }
export type UserId = string & { readonly brand: 'UserId' }
export type RoomId = string & { readonly brand: 'RoomId' }
export type EventId = string & { readonly brand: 'EventId' }
export type RoomAlias = string & { readonly brand: 'RoomAlias' }
export type DeviceId = string & { readonly brand: 'DeviceId' }

const MAX_BYTES = 255
const SERVER_NAME = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/
/** Historical user ids allow any localpart, so received ones are checked loosely, but for NUL. */
// oxlint-disable-next-line no-control-regex
const USER_ID = /^@[^:\0]*:(.+)$/s
// oxlint-disable-next-line no-control-regex
const ROOM_ALIAS = /^#[^:\0]*:(.+)$/s
// oxlint-disable-next-line no-control-regex
const OPAQUE_WITH_DOMAIN = /^[!$][^\0]+$/s

const fits = (value: string): boolean =>
  value.length <= MAX_BYTES && (value.length <= 85 || Buffer.byteLength(value) <= MAX_BYTES)

export const isServerName = (value: string): value is ServerName => value.length <= 230 && SERVER_NAME.test(value)
export const isUserId = (value: string): value is UserId => hasServerName(USER_ID, value)
export const isRoomAlias = (value: string): value is RoomAlias => hasServerName(ROOM_ALIAS, value)
/** Room ids are opaque: `!opaque:server` up to room version 11, `!hash` from 12 on. */
export const isRoomId = (value: string): value is RoomId => fits(value) && value.startsWith('!') && OPAQUE_WITH_DOMAIN.test(value)
export const isEventId = (value: string): value is EventId =>
  fits(value) && value.startsWith('$') && OPAQUE_WITH_DOMAIN.test(value)

function hasServerName(pattern: RegExp, value: string): boolean {
  const domain = fits(value) ? pattern.exec(value)?.[1] : undefined
  return domain !== undefined && isServerName(domain)
}

/** The server part of a user id, alias, or room id of versions 1 to 11: what follows the first colon. */
export function serverOf(id: string): ServerName {
  return id.slice(id.indexOf(':') + 1) as ServerName
}

/** The localpart of a user id or alias: between the sigil and the first colon. */
export function localpartOf(id: string): string {
  return id.slice(1, id.indexOf(':'))
}

export const serverName = () => Type.Refine(Type.Unsafe<ServerName>(Type.String()), isServerName, () => 'is not a server name')
export const userId = () => Type.Refine(Type.Unsafe<UserId>(Type.String()), isUserId, () => 'is not a user ID')
export const roomId = () => Type.Refine(Type.Unsafe<RoomId>(Type.String()), isRoomId, () => 'is not a room ID')
export const eventId = () => Type.Refine(Type.Unsafe<EventId>(Type.String()), isEventId, () => 'is not an event ID')
export const roomAlias = () => Type.Refine(Type.Unsafe<RoomAlias>(Type.String()), isRoomAlias, () => 'is not a room alias')
export const deviceId = () => Type.Unsafe<DeviceId>(Type.String({ minLength: 1, maxLength: 512 }))
