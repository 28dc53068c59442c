import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, natural, publicRooms, publicRoomsQuery, visibility } from '../definitions.ts'
import { roomId, serverName } from '../ids.ts'

export const getRoomVisibilityOnDirectory = clientEndpoint('GET', '/_matrix/client/v3/directory/list/room/:roomId', {
  auth: 'none',
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  response: Type.Object({ visibility: visibility() }),
})

export const setRoomVisibilityOnDirectory = clientEndpoint('PUT', '/_matrix/client/v3/directory/list/room/:roomId', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId() }),
  bodyOptional: true,
  /** Public where nothing is said. */
  body: Type.Object({ visibility: Type.Optional(visibility()) }),
  response: empty(),
})

/** `rooms.public_list_without_auth` decides whether a token is needed. */
export const getPublicRooms = clientEndpoint('GET', '/_matrix/client/v3/publicRooms', {
  auth: 'optional-access-token',
  guests: true,
  rateLimit: 'read',
  query: Type.Object({
    limit: Type.Optional(natural()),
    since: Type.Optional(Type.String()),
    server: Type.Optional(serverName()),
  }),
  response: publicRooms(),
})

export const queryPublicRooms = clientEndpoint('POST', '/_matrix/client/v3/publicRooms', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  query: Type.Object({ server: Type.Optional(serverName()) }),
  bodyOptional: true,
  body: publicRoomsQuery(),
  response: publicRooms(),
})
