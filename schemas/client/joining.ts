import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { mapOf, roomIdOrAlias } from '../definitions.ts'
import { roomId, serverName, userId } from '../ids.ts'

const joinBody = () =>
  Type.Object({
    third_party_signed: Type.Optional(
      Type.Object({ sender: userId(), mxid: userId(), token: Type.String(), signatures: mapOf(mapOf(Type.String())) }),
    ),
    reason: Type.Optional(Type.String()),
  })

export const joinRoomById = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/join', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'join',
  params: Type.Object({ roomId: roomId() }),
  bodyOptional: true,
  body: joinBody(),
  response: Type.Object({ room_id: roomId() }),
})

export const joinRoom = clientEndpoint('POST', '/_matrix/client/v3/join/:roomIdOrAlias', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'join',
  params: Type.Object({ roomIdOrAlias: roomIdOrAlias() }),
  query: Type.Object({
    via: Type.Optional(Type.Array(serverName())),
    /** `via` before Matrix 1.12. */
    server_name: Type.Optional(Type.Array(serverName())),
  }),
  bodyOptional: true,
  body: joinBody(),
  response: Type.Object({ room_id: roomId() }),
})
