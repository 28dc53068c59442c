import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, redactEvents } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'

export const kick = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/kick', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Object({ user_id: userId(), reason: Type.Optional(Type.String()), ...redactEvents }),
  response: empty(),
})
