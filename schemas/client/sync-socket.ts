import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'

/** `/sync` over a WebSocket: the handshake. The messages are those of docs/sync-socket.md. */
export const syncSocket = clientEndpoint('GET', '/_matrix/client/unstable/chat.causeway/sync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'socket',
  spec: 'sync-socket.md',
  query: Type.Object({
    /** A filter's ID, or a filter as JSON. */
    filter: Type.Optional(Type.String()),
    since: Type.Optional(Type.String()),
    set_presence: Type.Optional(Type.Enum(['offline', 'online', 'unavailable'])),
    use_state_after: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({}),
})
