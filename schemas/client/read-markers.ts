import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { allowBackward, empty } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

export const setReadMarker = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/read_markers', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Object({
    'm.fully_read': Type.Optional(eventId()),
    'm.read': Type.Optional(eventId()),
    'm.read.private': Type.Optional(eventId()),
    ...allowBackward,
  }),
  response: empty(),
})
