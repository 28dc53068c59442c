import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { eventType, jsonObject, mapOf, membership } from '../definitions.ts'
import { clientEvent } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

export const getOneRoomEvent = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/event/:eventId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  /** MSC2815: who may redact events may read redacted ones. */
  query: Type.Object({ 'fi.mau.msc2815.include_unredacted_content': Type.Optional(Type.Boolean()) }),
  response: clientEvent(),
})

/** The trailing slash is optional where the state key is empty, and then there is no `stateKey`. */
export const getRoomStateWithKey = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey', {
  alsoAt: ['/_matrix/client/v3/rooms/:roomId/state/:eventType/', '/_matrix/client/v3/rooms/:roomId/state/:eventType'],
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId(), eventType: eventType(), stateKey: Type.Optional(Type.String()) }),
  query: Type.Object({ format: Type.Optional(Type.Enum(['content', 'event'])) }),
  response: jsonObject(),
})

export const getRoomState = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/state', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  response: Type.Array(clientEvent()),
})

export const getMembersByRoom = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/members', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({
    at: Type.Optional(Type.String()),
    membership: Type.Optional(membership()),
    not_membership: Type.Optional(membership()),
  }),
  response: Type.Object({ chunk: Type.Array(clientEvent()) }),
})

export const getJoinedMembersByRoom = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/joined_members', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  response: Type.Object({
    joined: mapOf(
      Type.Object({
        display_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        avatar_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
    ),
  }),
})
