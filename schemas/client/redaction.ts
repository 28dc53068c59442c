import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { transactionId } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

const relTypes = () => Type.Optional(Type.Array(Type.String(), { maxItems: 100 }))

const body = () =>
  Type.Object({
    reason: Type.Optional(Type.String()),
    /** MSC3912: what relates to the event in one of these ways is redacted as well; `*` stands for all of them. */
    with_rel_types: relTypes(),
    'org.matrix.msc3912.with_relations': relTypes(),
  })

export const redactEvent = clientEndpoint('PUT', '/_matrix/client/v3/rooms/:roomId/redact/:eventId/:txnId', {
  auth: 'access-token',
  rateLimit: 'message',
  params: Type.Object({ roomId: roomId(), eventId: eventId(), txnId: transactionId() }),
  bodyOptional: true,
  body: body(),
  response: Type.Object({ event_id: eventId() }),
})

/** Not in the specification, but old bots and SyTest redact without a transaction ID. */
export const redactEventWithoutTransaction = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/redact/:eventId', {
  auth: 'access-token',
  rateLimit: 'message',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  bodyOptional: true,
  body: body(),
  response: Type.Object({ event_id: eventId() }),
  spec: redactEvent.spec,
})
