import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, eventType, jsonObject, mapOf, MEGABYTE, transactionId, userMapOf } from '../definitions.ts'

export const sendToDevice = clientEndpoint('PUT', '/_matrix/client/v3/sendToDevice/:eventType/:txnId', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'message',
  maxBody: 8 * MEGABYTE,
  params: Type.Object({ eventType: eventType(), txnId: transactionId() }),
  /** By user and device (or `*`): the content. */
  body: Type.Object({ messages: userMapOf(mapOf(jsonObject())) }),
  response: empty(),
})
