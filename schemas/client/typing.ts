import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, natural } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'

export const setTyping = clientEndpoint('PUT', '/_matrix/client/v3/rooms/:roomId/typing/:userId', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId(), userId: userId() }),
  body: Type.Object({ typing: Type.Boolean(), timeout: Type.Optional(natural()) }),
  response: empty(),
})
