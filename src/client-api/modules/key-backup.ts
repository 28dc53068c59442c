import {
  deleteRoomKeyBySessionId,
  deleteRoomKeys,
  deleteRoomKeysByRoomId,
  deleteRoomKeysVersion,
  getRoomKeyBySessionId,
  getRoomKeys,
  getRoomKeysByRoomId,
  getRoomKeysVersion,
  getRoomKeysVersionCurrent,
  postRoomKeysVersion,
  putRoomKeyBySessionId,
  putRoomKeys,
  putRoomKeysByRoomId,
  putRoomKeysVersion,
} from '../../../schemas/client/key-backup.ts'
import type { BodyOf } from '../../../schemas/endpoint.ts'
import { notFound } from '../../core/errors.ts'
import type { KeyBackups } from '../../devices/key-backup.ts'
import { type Route, route } from '../../http/route.ts'
import type { BackedUpKey } from '../../storage/key-backup.ts'

type SessionKey = BodyOf<typeof putRoomKeyBySessionId>
type Services = { keyBackups: KeyBackups }

export const keyBackupRoutes = (services: Services): Route[] => [
  ...versionRoutes(services),
  ...readRoutes(services),
  ...writeRoutes(services),
]

const versionRoutes = ({ keyBackups }: Services): Route[] => [
  route(postRoomKeysVersion, async ({ requester, body }) => ({ version: await keyBackups.create(requester.userNid, body) })),
  route(getRoomKeysVersionCurrent, ({ requester }) => keyBackups.info(requester.userNid)),
  route(getRoomKeysVersion, ({ requester, params }) => keyBackups.info(requester.userNid, params.version)),
  route(putRoomKeysVersion, async ({ requester, params, body }) => {
    await keyBackups.update(requester.userNid, params.version, body)
    return {}
  }),
  route(deleteRoomKeysVersion, async ({ requester, params }) => {
    await keyBackups.delete(requester.userNid, params.version)
    return {}
  }),
]

const readRoutes = ({ keyBackups }: Services): Route[] => [
  route(getRoomKeys, async ({ requester, query }) => {
    const keys = await keyBackups.keys(requester.userNid, query.version, [])
    const rooms = [...Map.groupBy(keys, ({ roomId }) => roomId)]
    return { rooms: Object.fromEntries(rooms.map(([roomId, ofRoom]) => [roomId, { sessions: sessionsOf(ofRoom) }])) }
  }),
  route(getRoomKeysByRoomId, async ({ requester, params, query }) => ({
    sessions: sessionsOf(await keyBackups.keys(requester.userNid, query.version, [params.roomId])),
  })),
  route(getRoomKeyBySessionId, async ({ requester, params, query }) => {
    const [key] = await keyBackups.keys(requester.userNid, query.version, [params.roomId, params.sessionId])
    if (!key) throw notFound('There is no such key')
    return toSessionKey(key)
  }),
]

const writeRoutes = ({ keyBackups }: Services): Route[] => [
  route(putRoomKeys, ({ requester, query, body }) => {
    const keys = Object.entries(body.rooms).flatMap(([roomId, { sessions }]) => fromSessions(roomId, sessions))
    return keyBackups.put(requester.userNid, query.version, keys)
  }),
  route(putRoomKeysByRoomId, ({ requester, params, query, body }) =>
    keyBackups.put(requester.userNid, query.version, fromSessions(params.roomId, body.sessions)),
  ),
  route(putRoomKeyBySessionId, ({ requester, params, query, body }) =>
    keyBackups.put(requester.userNid, query.version, [fromSessionKey(params.roomId, params.sessionId, body)]),
  ),
  route(deleteRoomKeys, ({ requester, query }) => keyBackups.remove(requester.userNid, query.version, [])),
  route(deleteRoomKeysByRoomId, ({ requester, params, query }) =>
    keyBackups.remove(requester.userNid, query.version, [params.roomId]),
  ),
  route(deleteRoomKeyBySessionId, ({ requester, params, query }) =>
    keyBackups.remove(requester.userNid, query.version, [params.roomId, params.sessionId]),
  ),
]

function fromSessions(roomId: string, sessions: Record<string, SessionKey>): BackedUpKey[] {
  return Object.entries(sessions).map(([sessionId, key]) => fromSessionKey(roomId, sessionId, key))
}

function fromSessionKey(roomId: string, sessionId: string, key: SessionKey): BackedUpKey {
  return {
    roomId,
    sessionId,
    firstMessageIndex: key.first_message_index,
    forwardedCount: key.forwarded_count,
    isVerified: key.is_verified,
    sessionData: key.session_data,
  }
}

function sessionsOf(keys: readonly BackedUpKey[]): Record<string, SessionKey> {
  return Object.fromEntries(keys.map((key) => [key.sessionId, toSessionKey(key)]))
}

function toSessionKey(key: BackedUpKey): SessionKey {
  return {
    first_message_index: key.firstMessageIndex,
    forwarded_count: key.forwardedCount,
    is_verified: key.isVerified,
    session_data: key.sessionData,
  }
}
