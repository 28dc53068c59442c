/** Delayed events, MSC4140. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { delayMs, empty, eventType, jsonObject, natural, scheduled, stickyQuery, transactionId } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

const SPEC = 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140'
const PREFIX = '/_matrix/client/unstable/org.matrix.msc4140'

const delayId = () => Type.String({ minLength: 1, maxLength: 255 })
const action = () => Type.Enum(['cancel', 'restart', 'send'])

const described = {
  delay_id: Type.String(),
  room_id: roomId(),
  type: eventType(),
  state_key: Type.Optional(Type.String()),
  delay_ms: natural(),
  scheduled_at: natural(),
  delay: natural(),
  running_since: natural(),
  content: jsonObject(),
}

export const scheduleDelayedEvent = clientEndpoint('PUT', `${PREFIX}/rooms/:roomId/delayed_event/:eventType/:txnId`, {
  auth: 'access-token',
  guests: true,
  rateLimit: 'message',
  spec: SPEC,
  params: Type.Object({ roomId: roomId(), eventType: eventType(), txnId: transactionId() }),
  query: Type.Object({ ts: Type.Optional(natural()), ...stickyQuery }),
  body: Type.Object({ delay_ms: delayMs(), state_key: Type.Optional(Type.String()), content: jsonObject() }),
  response: scheduled(),
})

export const getDelayedEvents = clientEndpoint('GET', `${PREFIX}/delayed_events`, {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  spec: SPEC,
  response: Type.Object({ delayed_events: Type.Array(Type.Object(described)) }),
})

export const getDelayedEvent = clientEndpoint('GET', `${PREFIX}/delayed_events/:delayId`, {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  spec: SPEC,
  params: Type.Object({ delayId: delayId() }),
  response: Type.Object({
    ...described,
    error: Type.Optional(jsonObject()),
    event_id: Type.Optional(eventId()),
    finalised_ts: Type.Optional(natural()),
  }),
})

/** As `manageDelayedEvent`, as earlier drafts had it. */
export const manageDelayedEventByBody = clientEndpoint('POST', `${PREFIX}/delayed_events/:delayId`, {
  auth: 'optional-access-token',
  guests: true,
  rateLimit: 'write',
  spec: SPEC,
  params: Type.Object({ delayId: delayId() }),
  body: Type.Object({ action: action() }),
  response: empty(),
})

/**
 * Earlier drafts, and the services that end calls for those who lost the connection, show no token: the `delay_id` cannot be
 * guessed, and without a token calls count against the address.
 */
export const manageDelayedEvent = clientEndpoint('POST', `${PREFIX}/delayed_events/:delayId/:action`, {
  auth: 'optional-access-token',
  guests: true,
  rateLimit: 'write',
  spec: SPEC,
  params: Type.Object({ delayId: delayId(), action: action() }),
  body: Type.Object({}),
  bodyOptional: true,
  response: empty(),
})
