import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'

export const getMutualRooms = clientEndpoint('GET', '/_matrix/client/v1/mutual_rooms', {
  alsoAt: ['/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms'],
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({
    user_id: userId(),
    from: Type.Optional(Type.String()),
    /** `from` before Matrix 1.19. */
    batch_token: Type.Optional(Type.String()),
  }),
  response: Type.Object({ joined: Type.Array(roomId()), count: natural(), next_batch: Type.Optional(Type.String()) }),
})
