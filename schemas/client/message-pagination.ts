import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { direction, natural } from '../definitions.ts'
import { clientEvent } from '../events.ts'
import { roomId } from '../ids.ts'

export const getRoomEvents = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/messages', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    dir: direction(),
    limit: Type.Optional(natural()),
    /** A RoomEventFilter as JSON. */
    filter: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    start: Type.String(),
    end: Type.Optional(Type.String()),
    chunk: Type.Array(clientEvent()),
    state: Type.Optional(Type.Array(clientEvent())),
  }),
})
