import type { QueryOf } from '../../../schemas/endpoint.ts'
import {
  getRelatingEvents,
  getRelatingEventsWithRelType,
  getRelatingEventsWithRelTypeAndEventType,
} from '../../../schemas/client/relations.ts'
import type { EventId, RoomId } from '../../../schemas/ids.ts'
import { invalidParam } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import { type RawResponse, rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import { RECURSION_DEPTH, type RelatedEvents } from '../../rooms/relations.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

interface Services {
  relatedEvents: RelatedEvents
  clientEvents: ClientEvents
}

interface Children {
  readonly roomId: RoomId
  readonly eventId: EventId
  readonly relType?: string
  readonly eventType?: string
}

export const relationsRoutes = (services: Services): Route[] => [
  route(getRelatingEvents, ({ requester, params, query }) => list(services, requester, params, query)),
  route(getRelatingEventsWithRelType, ({ requester, params, query }) => list(services, requester, params, query)),
  route(getRelatingEventsWithRelTypeAndEventType, ({ requester, params, query }) => list(services, requester, params, query)),
]

async function list(
  { relatedEvents, clientEvents }: Services,
  requester: Requester,
  { roomId, eventId, relType, eventType }: Children,
  { from, to, limit = DEFAULT_LIMIT, dir = 'b', recurse = false }: QueryOf<typeof getRelatingEvents>,
): Promise<RawResponse> {
  if (limit === 0) throw invalidParam('limit must be greater than zero')
  const page = await relatedEvents.page(requester, roomId, eventId, {
    direction: dir,
    from: from === undefined ? undefined : decodeToken(from),
    to: to === undefined ? undefined : decodeToken(to),
    limit: Math.min(limit, MAX_LIMIT),
    recurse,
    relType,
    eventType,
  })
  const texts = await clientEvents.texts(page.events, requester, { withRoomId: true })
  const parts = ['{"chunk":[', texts.join(','), ']']
  if (page.next !== undefined) parts.push(`,"next_batch":"${encodeToken(page.next)}"`)
  if (from !== undefined) parts.push(`,"prev_batch":${JSON.stringify(from)}`)
  if (recurse) parts.push(`,"recursion_depth":${RECURSION_DEPTH}`)
  return rawJson([...parts, '}'])
}
