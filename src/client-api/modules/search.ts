import type { BodyOf } from '../../../schemas/endpoint.ts'
import { search } from '../../../schemas/client/search.ts'
import type { EventId, RoomId } from '../../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../../schemas/json.ts'
import { invalidParam } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import type { EventContext, History } from '../../rooms/history.ts'
import type { RoomViews } from '../../rooms/room-view.ts'
import type { EventSearch, SearchPage } from '../../rooms/search.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import { encodeToken } from '../../streams/position.ts'
import { EventFilter } from '../../sync/event-filter.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100
const DEFAULT_AROUND = 5
const MAX_AROUND = 20
const ALL_KEYS = ['content.body', 'content.name', 'content.topic'] as const
const EVERYTHING = { passes: () => true }

interface Services {
  eventSearch: EventSearch
  history: History
  roomViews: RoomViews
  states: RoomStates
  clientEvents: ClientEvents
}

type Criteria = NonNullable<BodyOf<typeof search>['search_categories']['room_events']>

export const searchRoutes = (services: Services): Route[] => [
  route(search, async ({ requester, query, body }) => {
    const criteria = body.search_categories.room_events
    if (!criteria) return { search_categories: {} }
    const { limit = DEFAULT_LIMIT } = criteria.filter ?? {}
    if (limit === 0) throw invalidParam('limit must be greater than zero')
    const page = await services.eventSearch.search(requester, {
      term: criteria.search_term,
      keys: criteria.keys ?? ALL_KEYS,
      isRecentFirst: criteria.order_by === 'recent',
      limit: Math.min(limit, MAX_LIMIT),
      from: query.next_batch,
      choice: new EventFilter({ ...criteria.filter } as JsonObject),
    })
    return rawJson(`{"search_categories":{"room_events":{${(await members(services, requester, criteria, page)).join(',')}}}}`)
  }),
]

async function members(services: Services, requester: Requester, criteria: Criteria, page: SearchPage): Promise<string[]> {
  const results = await Promise.all(
    page.results.map(async ({ event, rank }) => {
      const text = await services.clientEvents.text(event, requester, { withRoomId: true })
      const context = criteria.event_context ? `,"context":${await contextOf(services, requester, criteria, event)}` : ''
      return `{"rank":${rank},"result":${text}${context}}`
    }),
  )
  return [
    `"count":${page.count}`,
    `"highlights":${JSON.stringify(page.words)}`,
    `"results":[${results.join(',')}]`,
    ...(criteria.include_state ? [`"state":${await stateOf(services, requester, page)}`] : []),
    ...(criteria.groupings ? [`"groups":${JSON.stringify(groupsOf(criteria, page))}`] : []),
    ...(page.next === undefined ? [] : [`"next_batch":${JSON.stringify(page.next)}`]),
  ]
}

async function contextOf(services: Services, requester: Requester, criteria: Criteria, event: StoredEvent): Promise<string> {
  const { before_limit: before = DEFAULT_AROUND, after_limit: after = DEFAULT_AROUND } = criteria.event_context ?? {}
  const { eventId, room } = event
  const limits = { before: Math.min(before, MAX_AROUND), after: Math.min(after, MAX_AROUND), total: 2 * MAX_AROUND }
  const context = await services.history.context(requester, room.roomId, eventId, limits, EVERYTHING)
  const texts = async (events: readonly StoredEvent[]) =>
    (await services.clientEvents.texts(events, requester, { withRoomId: true })).join(',')
  const parts = [
    `"start":"${encodeToken(context.start)}"`,
    `"end":"${encodeToken(context.end)}"`,
    `"events_before":[${await texts(context.before)}]`,
    `"events_after":[${await texts(context.after)}]`,
  ]
  if (criteria.event_context?.include_profile) parts.push(`"profile_info":${JSON.stringify(await profilesOf(services, context))}`)
  return `{${parts.join(',')}}`
}

async function profilesOf({ history }: Services, { event, before, after }: EventContext): Promise<JsonObject> {
  const profiles: JsonObject = {}
  for (const { stateKey = '', content } of await history.membersOf([...before, event, ...after])) {
    const [name, avatar] = [stringAt(content, 'displayname'), stringAt(content, 'avatar_url')]
    profiles[stateKey] = { ...(name !== undefined && { displayname: name }), ...(avatar !== undefined && { avatar_url: avatar }) }
  }
  return profiles
}

/** The current state of the rooms of a page. */
async function stateOf({ roomViews, states, clientEvents }: Services, requester: Requester, page: SearchPage): Promise<string> {
  const entries: string[] = []
  for (const roomId of new Set<RoomId>(page.results.map(({ event }) => event.room.roomId))) {
    const { stateRoot } = await roomViews.of(requester, roomId)
    const texts = await clientEvents.texts(await states.all(stateRoot), requester, { withRoomId: true })
    entries.push(`${JSON.stringify(roomId)}:[${texts.join(',')}]`)
  }
  return `{${entries.join(',')}}`
}

function groupsOf({ groupings }: Criteria, { results }: SearchPage): JsonObject {
  const groups: JsonObject = {}
  for (const { key } of groupings?.group_by ?? []) {
    if (key === undefined) continue
    const byKey = Map.groupBy(results, ({ event }) => (key === 'sender' ? event.sender : event.room.roomId))
    const entries = [...byKey].map(([id, found], order) => [id, { order, results: found.map(idOf) }] as const)
    groups[key] = Object.fromEntries(entries)
  }
  return groups
}

const idOf = ({ event }: { event: StoredEvent }): EventId => event.eventId
