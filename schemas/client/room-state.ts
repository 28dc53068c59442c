import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { delayQuery, eventType, jsonObject, natural, scheduled, stickyQuery } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

/** The trailing slash is optional where the state key is empty, and then there is no `stateKey`. */
export const setRoomStateWithKey = clientEndpoint('PUT', '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey', {
  alsoAt: ['/_matrix/client/v3/rooms/:roomId/state/:eventType/', '/_matrix/client/v3/rooms/:roomId/state/:eventType'],
  auth: 'access-token',
  guests: true,
  rateLimit: 'message',
  params: Type.Object({ roomId: roomId(), eventType: eventType(), stateKey: Type.Optional(Type.String()) }),
  query: Type.Object({ ts: Type.Optional(natural()), ...delayQuery, ...stickyQuery }),
  body: jsonObject(),
  response: Type.Union([Type.Object({ event_id: eventId() }), scheduled()]),
})
