import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { direction, integer } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

export const getEventByTimestamp = clientEndpoint('GET', '/_matrix/client/v1/rooms/:roomId/timestamp_to_event', {
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3030/rooms/:roomId/timestamp_to_event'],
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({ ts: integer(), dir: direction() }),
  response: Type.Object({ event_id: eventId(), origin_server_ts: integer() }),
})
