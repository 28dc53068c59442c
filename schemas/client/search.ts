import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { integer, mapOf, natural } from '../definitions.ts'
import { clientEvent } from '../events.ts'
import { roomEventFilter } from '../filters.ts'
import { eventId } from '../ids.ts'

const criteria = () =>
  Type.Object({
    search_term: Type.String(),
    keys: Type.Optional(Type.Array(Type.Enum(['content.body', 'content.name', 'content.topic']))),
    filter: Type.Optional(roomEventFilter()),
    order_by: Type.Optional(Type.Enum(['recent', 'rank'])),
    event_context: Type.Optional(
      Type.Object({
        before_limit: Type.Optional(natural()),
        after_limit: Type.Optional(natural()),
        include_profile: Type.Optional(Type.Boolean()),
      }),
    ),
    include_state: Type.Optional(Type.Boolean()),
    groupings: Type.Optional(
      Type.Object({
        group_by: Type.Optional(Type.Array(Type.Object({ key: Type.Optional(Type.Enum(['room_id', 'sender'])) }))),
      }),
    ),
  })

const context = () =>
  Type.Object({
    start: Type.Optional(Type.String()),
    end: Type.Optional(Type.String()),
    events_before: Type.Optional(Type.Array(clientEvent())),
    events_after: Type.Optional(Type.Array(clientEvent())),
    profile_info: Type.Optional(
      mapOf(Type.Object({ displayname: Type.Optional(Type.String()), avatar_url: Type.Optional(Type.String()) })),
    ),
  })

const group = () =>
  Type.Object({
    next_batch: Type.Optional(Type.String()),
    order: Type.Optional(integer()),
    results: Type.Optional(Type.Array(eventId())),
  })

const results = () =>
  Type.Object({
    count: Type.Optional(natural()),
    highlights: Type.Optional(Type.Array(Type.String())),
    results: Type.Optional(
      Type.Array(
        Type.Object({
          rank: Type.Optional(Type.Number()),
          result: Type.Optional(clientEvent()),
          context: Type.Optional(context()),
        }),
      ),
    ),
    state: Type.Optional(mapOf(Type.Array(clientEvent()))),
    groups: Type.Optional(mapOf(mapOf(group()))),
    next_batch: Type.Optional(Type.String()),
  })

export const search = clientEndpoint('POST', '/_matrix/client/v3/search', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({ next_batch: Type.Optional(Type.String()) }),
  body: Type.Object({ search_categories: Type.Object({ room_events: Type.Optional(criteria()) }) }),
  response: Type.Object({ search_categories: Type.Object({ room_events: Type.Optional(results()) }) }),
})
