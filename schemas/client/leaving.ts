import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty } from '../definitions.ts'
import { roomId } from '../ids.ts'

export const leaveRoom = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/leave', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId() }),
  bodyOptional: true,
  body: Type.Object({ reason: Type.Optional(Type.String()) }),
  response: empty(),
})

export const forgetRoom = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/forget', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId() }),
  response: empty(),
})
