import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'
import { clientEvent } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

export const getEventContext = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/context/:eventId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  query: Type.Object({
    limit: Type.Optional(natural()),
    /** A RoomEventFilter as JSON. */
    filter: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    start: Type.Optional(Type.String()),
    end: Type.Optional(Type.String()),
    event: Type.Optional(clientEvent()),
    events_before: Type.Optional(Type.Array(clientEvent())),
    events_after: Type.Optional(Type.Array(clientEvent())),
    state: Type.Optional(Type.Array(clientEvent())),
  }),
})
