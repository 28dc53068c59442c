import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'
import { spaceRoom } from '../events.ts'
import { roomId } from '../ids.ts'

export const getSpaceHierarchy = clientEndpoint('GET', '/_matrix/client/v1/rooms/:roomId/hierarchy', {
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2946/rooms/:roomId/hierarchy'],
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({
    suggested_only: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    max_depth: Type.Optional(natural()),
    from: Type.Optional(Type.String()),
  }),
  response: Type.Object({ rooms: Type.Array(spaceRoom()), next_batch: Type.Optional(Type.String()) }),
})
