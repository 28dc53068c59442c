import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject, mapOf, userProfile } from '../definitions.ts'
import { roomAlias, roomId, userId } from '../ids.ts'

/** Any other query than those below. */
export const queryInfo = serverEndpoint('GET', '/_matrix/federation/v1/query/:queryType', {
  auth: 'server',
  params: Type.Object({ queryType: Type.String() }),
  query: mapOf(Type.String()),
  response: jsonObject(),
})

export const queryRoomDirectory = serverEndpoint('GET', '/_matrix/federation/v1/query/directory', {
  auth: 'server',
  query: Type.Object({ room_alias: roomAlias() }),
  response: Type.Object({ room_id: roomId(), servers: Type.Array(Type.String()) }),
})

export const queryProfile = serverEndpoint('GET', '/_matrix/federation/v1/query/profile', {
  auth: 'server',
  query: Type.Object({ user_id: userId(), field: Type.Optional(Type.String()) }),
  response: jsonObject(),
  ownResponse: userProfile(),
})
