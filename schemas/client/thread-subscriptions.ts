/** Threads that users follow, MSC4306 and MSC4308. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, mapOf, natural } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

const SPEC = 'https://github.com/matrix-org/matrix-spec-proposals/pull/4306'
const SUBSCRIPTION = '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:eventId/subscription'

const thread = () => Type.Object({ roomId: roomId(), eventId: eventId() })

export const getThreadSubscription = clientEndpoint('GET', SUBSCRIPTION, {
  auth: 'access-token',
  rateLimit: 'read',
  spec: SPEC,
  params: thread(),
  response: Type.Object({ automatic: Type.Boolean() }),
})

export const subscribeToThread = clientEndpoint('PUT', SUBSCRIPTION, {
  auth: 'access-token',
  rateLimit: 'write',
  spec: SPEC,
  params: thread(),
  /** `automatic` is the event because of which a client subscribes by itself. */
  body: Type.Object({ automatic: Type.Optional(eventId()) }),
  bodyOptional: true,
  response: empty(),
})

export const unsubscribeFromThread = clientEndpoint('DELETE', SUBSCRIPTION, {
  auth: 'access-token',
  rateLimit: 'write',
  spec: SPEC,
  params: thread(),
  response: empty(),
})

export const getThreadSubscriptions = clientEndpoint('GET', '/_matrix/client/unstable/io.element.msc4308/thread_subscriptions', {
  auth: 'access-token',
  rateLimit: 'read',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4308',
  query: Type.Object({
    dir: Type.Enum(['b']),
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  }),
  response: Type.Object({
    subscribed: mapOf(mapOf(Type.Object({ automatic: Type.Boolean(), bump_stamp: natural() }))),
    unsubscribed: mapOf(mapOf(Type.Object({ bump_stamp: natural() }))),
    end: Type.Optional(Type.String()),
  }),
})
