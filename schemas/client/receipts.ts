import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { allowBackward, empty } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

export const postReceipt = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/receipt/:receiptType/:eventId', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({
    roomId: roomId(),
    receiptType: Type.Enum(['m.read', 'm.read.private', 'm.fully_read']),
    eventId: eventId(),
  }),
  bodyOptional: true,
  /** `main` or the thread's root. */
  body: Type.Object({ thread_id: Type.Optional(Type.String()), ...allowBackward }),
  response: empty(),
})
