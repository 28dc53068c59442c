import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, integer } from '../definitions.ts'
import { eventId, roomId, userId } from '../ids.ts'

export const reportRoom = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/report', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Object({ reason: Type.String() }),
  response: empty(),
})

export const reportEvent = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/report/:eventId', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  bodyOptional: true,
  body: Type.Object({
    reason: Type.Optional(Type.String()),
    /** From -100 (most offensive) to 0. Gone since Matrix 1.18, but clients send it. */
    score: Type.Optional(integer()),
  }),
  response: empty(),
})

export const reportUser = clientEndpoint('POST', '/_matrix/client/v3/users/:userId/report', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ userId: userId() }),
  body: Type.Object({ reason: Type.String() }),
  response: empty(),
})
