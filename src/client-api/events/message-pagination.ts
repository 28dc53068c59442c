import { getRoomEvents } from '../../../schemas/client/message-pagination.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import { type History, MAX_PAGE } from '../../rooms/history.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'
import { eventFilterOf } from './event-filter.ts'

const DEFAULT_LIMIT = 10

interface Services {
  history: History
  clientEvents: ClientEvents
}

export const messagePaginationRoutes = ({ history, clientEvents }: Services): Route[] => [
  route(getRoomEvents, async ({ requester, params, query }) => {
    const choice = eventFilterOf(query.filter, params.roomId)
    const { events, start, end } = await history.page(requester, params.roomId, {
      direction: query.dir,
      from: positionOf(query.from),
      to: positionOf(query.to),
      limit: Math.min(query.limit ?? choice.limit ?? DEFAULT_LIMIT, MAX_PAGE),
      choice,
    })
    const members = choice.lazyLoadMembers ? await history.membersOf(events) : []
    const texts = await clientEvents.texts([...events, ...members], requester, { withRoomId: true })
    const parts = [`{"start":"${encodeToken(start)}","chunk":[`, texts.slice(0, events.length).join(','), ']']
    if (members.length > 0) parts.push(',"state":[', texts.slice(events.length).join(','), ']')
    if (end !== undefined) parts.push(`,"end":"${encodeToken(end)}"`)
    return rawJson([...parts, '}'])
  }),
]

function positionOf(token: string | undefined): number | undefined {
  return token === undefined || token === '' ? undefined : decodeToken(token)
}
