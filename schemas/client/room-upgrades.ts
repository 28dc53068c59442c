import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { roomId, userId } from '../ids.ts'

export const upgradeRoom = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/upgrade', {
  auth: 'access-token',
  rateLimit: 'room-creation',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Object({ new_version: Type.String(), additional_creators: Type.Optional(Type.Array(userId())) }),
  response: Type.Object({ replacement_room: roomId() }),
})
