import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { delayQuery, eventType, jsonObject, natural, scheduled, stickyQuery, transactionId } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

export const sendMessage = clientEndpoint('PUT', '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'message',
  params: Type.Object({ roomId: roomId(), eventType: eventType(), txnId: transactionId() }),
  query: Type.Object({ ts: Type.Optional(natural()), ...delayQuery, ...stickyQuery }),
  body: jsonObject(),
  response: Type.Union([Type.Object({ event_id: eventId() }), scheduled()]),
})

/** Not in the specification, but old bots and SyTest send without a transaction ID. */
export const sendMessageWithoutTransaction = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/send/:eventType', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'message',
  params: Type.Object({ roomId: roomId(), eventType: eventType() }),
  body: jsonObject(),
  response: Type.Object({ event_id: eventId() }),
  spec: sendMessage.spec,
})
