import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { roomId } from '../ids.ts'

export const getJoinedRooms = clientEndpoint('GET', '/_matrix/client/v3/joined_rooms', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Object({ joined_rooms: Type.Array(roomId()) }),
})
