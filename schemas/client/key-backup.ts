import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, json, mapOf, MEGABYTE, natural } from '../definitions.ts'
import { roomId } from '../ids.ts'

const VERSION = '/_matrix/client/v3/room_keys/version'
const KEYS = '/_matrix/client/v3/room_keys/keys'

/** Clients upload the keys of a hundred and more sessions at once. */
const MAX_KEYS = 16 * MEGABYTE

const version = () => Type.Object({ version: Type.String() })
const room = () => Type.Object({ roomId: roomId() })
const session = () => Type.Object({ roomId: roomId(), sessionId: Type.String({ minLength: 1 }) })

/** Only clients look into it, and some send text. */
const backup = { algorithm: Type.String(), auth_data: json() }
const backupInfo = () => Type.Object({ ...backup, count: natural(), etag: Type.String(), version: Type.String() })
const backedUp = () => Type.Object({ etag: Type.String(), count: natural() })

const sessionKey = () =>
  Type.Object({
    first_message_index: natural(),
    forwarded_count: natural(),
    is_verified: Type.Boolean(),
    session_data: json(),
  })
const roomKeys = () => Type.Object({ sessions: mapOf(sessionKey()) })
const allKeys = () => Type.Object({ rooms: mapOf(roomKeys()) })

export const postRoomKeysVersion = clientEndpoint('POST', VERSION, {
  auth: 'access-token',
  rateLimit: 'write',
  body: Type.Object(backup),
  response: version(),
})

export const getRoomKeysVersionCurrent = clientEndpoint('GET', VERSION, {
  auth: 'access-token',
  rateLimit: 'read',
  response: backupInfo(),
})

export const getRoomKeysVersion = clientEndpoint('GET', `${VERSION}/:version`, {
  auth: 'access-token',
  rateLimit: 'read',
  params: version(),
  response: backupInfo(),
})

export const putRoomKeysVersion = clientEndpoint('PUT', `${VERSION}/:version`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: version(),
  body: Type.Object({ ...backup, version: Type.Optional(Type.String()) }),
  response: empty(),
})

export const deleteRoomKeysVersion = clientEndpoint('DELETE', `${VERSION}/:version`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: version(),
  response: empty(),
})

export const putRoomKeyBySessionId = clientEndpoint('PUT', `${KEYS}/:roomId/:sessionId`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: session(),
  query: version(),
  body: sessionKey(),
  response: backedUp(),
})

export const getRoomKeyBySessionId = clientEndpoint('GET', `${KEYS}/:roomId/:sessionId`, {
  auth: 'access-token',
  rateLimit: 'read',
  params: session(),
  query: version(),
  response: sessionKey(),
})

export const deleteRoomKeyBySessionId = clientEndpoint('DELETE', `${KEYS}/:roomId/:sessionId`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: session(),
  query: version(),
  response: backedUp(),
})

export const putRoomKeysByRoomId = clientEndpoint('PUT', `${KEYS}/:roomId`, {
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MAX_KEYS,
  params: room(),
  query: version(),
  body: roomKeys(),
  response: backedUp(),
})

export const getRoomKeysByRoomId = clientEndpoint('GET', `${KEYS}/:roomId`, {
  auth: 'access-token',
  rateLimit: 'read',
  params: room(),
  query: version(),
  response: roomKeys(),
})

export const deleteRoomKeysByRoomId = clientEndpoint('DELETE', `${KEYS}/:roomId`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: room(),
  query: version(),
  response: backedUp(),
})

export const putRoomKeys = clientEndpoint('PUT', KEYS, {
  auth: 'access-token',
  rateLimit: 'write',
  maxBody: MAX_KEYS,
  query: version(),
  body: allKeys(),
  response: backedUp(),
})

export const getRoomKeys = clientEndpoint('GET', KEYS, {
  auth: 'access-token',
  rateLimit: 'read',
  query: version(),
  response: allKeys(),
})

export const deleteRoomKeys = clientEndpoint('DELETE', KEYS, {
  auth: 'access-token',
  rateLimit: 'write',
  query: version(),
  response: backedUp(),
})
