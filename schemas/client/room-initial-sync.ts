import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { membership, natural } from '../definitions.ts'
import { initialRoom } from '../events.ts'
import { roomId } from '../ids.ts'

export const roomInitialSync = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/initialSync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({ limit: Type.Optional(natural()) }),
  response: initialRoom(Type.Optional(membership())),
})
