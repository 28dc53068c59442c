import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { direction, natural } from '../definitions.ts'
import { clientEvent } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

const OF_EVENT = '/rooms/:roomId/relations/:eventId'

const stable = (rest: string) => `/_matrix/client/v1${OF_EVENT}${rest}`
/** Before Matrix 1.3. */
const unstable = (rest: string) => [`/_matrix/client/unstable${OF_EVENT}${rest}`]

const event = { roomId: roomId(), eventId: eventId() }

const query = () =>
  Type.Object({
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    limit: Type.Optional(natural()),
    dir: Type.Optional(direction()),
    recurse: Type.Optional(Type.Boolean()),
  })

const page = () =>
  Type.Object({
    chunk: Type.Array(clientEvent()),
    next_batch: Type.Optional(Type.String()),
    prev_batch: Type.Optional(Type.String()),
    recursion_depth: Type.Optional(natural()),
  })

export const getRelatingEvents = clientEndpoint('GET', stable(''), {
  alsoAt: unstable(''),
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object(event),
  query: query(),
  response: page(),
})

export const getRelatingEventsWithRelType = clientEndpoint('GET', stable('/:relType'), {
  alsoAt: unstable('/:relType'),
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ ...event, relType: Type.String() }),
  query: query(),
  response: page(),
})

export const getRelatingEventsWithRelTypeAndEventType = clientEndpoint('GET', stable('/:relType/:eventType'), {
  alsoAt: unstable('/:relType/:eventType'),
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ ...event, relType: Type.String(), eventType: Type.String() }),
  query: query(),
  response: page(),
})
