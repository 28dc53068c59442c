/** How clients followed rooms before `/sync`. Deprecated. */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { membership, natural } from '../definitions.ts'
import { clientEvent, event, initialRoom } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

/** With `room_id` it is the preview of a room (peeking_events.yaml), which shares the path. */
export const getEvents = clientEndpoint('GET', '/_matrix/client/v3/events', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  query: Type.Object({
    from: Type.Optional(Type.String()),
    timeout: Type.Optional(natural()),
    limit: Type.Optional(natural()),
    room_id: Type.Optional(roomId()),
  }),
  response: Type.Object({
    start: Type.Optional(Type.String()),
    end: Type.Optional(Type.String()),
    chunk: Type.Array(Type.Union([clientEvent(), event()])),
  }),
})

export const initialSync = clientEndpoint('GET', '/_matrix/client/v3/initialSync', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ limit: Type.Optional(natural()), archived: Type.Optional(Type.Boolean()) }),
  response: Type.Object({
    end: Type.String(),
    presence: Type.Array(event()),
    rooms: Type.Array(initialRoom(membership())),
    account_data: Type.Optional(Type.Array(event())),
  }),
})

export const getOneEvent = clientEndpoint('GET', '/_matrix/client/v3/events/:eventId', {
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ eventId: eventId() }),
  response: clientEvent(),
})
