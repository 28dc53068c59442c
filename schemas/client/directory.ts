import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty } from '../definitions.ts'
import { roomAlias, roomId } from '../ids.ts'

const alias = () => Type.Object({ roomAlias: roomAlias() })

export const setRoomAlias = clientEndpoint('PUT', '/_matrix/client/v3/directory/room/:roomAlias', {
  auth: 'access-token',
  rateLimit: 'write',
  params: alias(),
  body: Type.Object({ room_id: roomId() }),
  response: empty(),
})

export const getRoomIdByAlias = clientEndpoint('GET', '/_matrix/client/v3/directory/room/:roomAlias', {
  auth: 'none',
  rateLimit: 'read',
  params: alias(),
  response: Type.Object({ room_id: roomId(), servers: Type.Array(Type.String()) }),
})

export const deleteRoomAlias = clientEndpoint('DELETE', '/_matrix/client/v3/directory/room/:roomAlias', {
  auth: 'access-token',
  rateLimit: 'write',
  params: alias(),
  response: empty(),
})

export const getLocalAliases = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/aliases', {
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  response: Type.Object({ aliases: Type.Array(Type.String()) }),
})
