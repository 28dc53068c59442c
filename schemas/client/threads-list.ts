import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'
import { clientEvent } from '../events.ts'
import { roomId } from '../ids.ts'

export const getThreadRoots = clientEndpoint('GET', '/_matrix/client/v1/rooms/:roomId/threads', {
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3856/rooms/:roomId/threads'],
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({
    include: Type.Optional(Type.Enum(['all', 'participated'])),
    limit: Type.Optional(natural()),
    from: Type.Optional(Type.String()),
  }),
  response: Type.Object({ chunk: Type.Array(clientEvent()), next_batch: Type.Optional(Type.String()) }),
})
