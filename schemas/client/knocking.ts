import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { roomIdOrAlias } from '../definitions.ts'
import { roomId, serverName } from '../ids.ts'

export const knockRoom = clientEndpoint('POST', '/_matrix/client/v3/knock/:roomIdOrAlias', {
  auth: 'access-token',
  rateLimit: 'join',
  params: Type.Object({ roomIdOrAlias: roomIdOrAlias() }),
  query: Type.Object({
    via: Type.Optional(Type.Array(serverName())),
    /** `via` before Matrix 1.12. */
    server_name: Type.Optional(Type.Array(serverName())),
  }),
  bodyOptional: true,
  body: Type.Object({ reason: Type.Optional(Type.String()) }),
  response: Type.Object({ room_id: roomId() }),
})
