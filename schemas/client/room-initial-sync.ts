import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { clientEvent, jsonObject, membership, natural, visibility } from '../definitions.ts'
import { roomId } from '../ids.ts'

export const roomInitialSync = clientEndpoint('GET', '/_matrix/client/v3/rooms/:roomId/initialSync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({ limit: Type.Optional(natural()) }),
  response: Type.Object({
    room_id: roomId(),
    membership: Type.Optional(membership()),
    messages: Type.Optional(
      Type.Object({ start: Type.Optional(Type.String()), end: Type.String(), chunk: Type.Array(clientEvent()) }),
    ),
    state: Type.Optional(Type.Array(clientEvent())),
    visibility: Type.Optional(visibility()),
    account_data: Type.Optional(Type.Array(jsonObject())),
    // Deprecated with the endpoint, but what reads it reads these too.
    presence: Type.Optional(Type.Array(jsonObject())),
    receipts: Type.Optional(Type.Array(jsonObject())),
  }),
})
