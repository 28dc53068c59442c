import { getEventContext } from '../../../schemas/client/event-context.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import type { EventContext, History } from '../../rooms/history.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import { encodeToken } from '../../streams/position.ts'
import type { EventFilter } from '../../sync/event-filter.ts'
import { eventFilterOf } from '../events/event-filter.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100

interface Services {
  history: History
  states: RoomStates
  clientEvents: ClientEvents
}

export const eventContextRoutes = (services: Services): Route[] => [
  route(getEventContext, async ({ requester, params, query }) => {
    const choice = eventFilterOf(query.filter, params.roomId)
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
    const limits = { before: Math.floor(limit / 2), after: limit, total: limit }
    const context = await services.history.context(requester, params.roomId, params.eventId, limits, choice)
    const { event, before, after, start, end } = context
    const texts = async (events: readonly StoredEvent[]) =>
      (await services.clientEvents.texts(events, requester, { withRoomId: true })).join(',')
    return rawJson([
      `{"start":"${encodeToken(start)}","end":"${encodeToken(end)}","event":`,
      await texts([event]),
      ',"events_before":[',
      await texts(before),
      '],"events_after":[',
      await texts(after),
      '],"state":[',
      await texts(await stateAround(services, context, choice)),
      ']}',
    ])
  }),
]

/** The state at the last event; of its members only the senders, where the client loads the others lazily. */
async function stateAround({ states, history }: Services, context: EventContext, choice: EventFilter): Promise<StoredEvent[]> {
  const { event, before, after, stateRoot } = context
  const state = (await states.all(stateRoot)).filter((piece) => choice.passes(piece))
  if (!choice.lazyLoadMembers) return state
  const needed = await history.membersOf([...before, event, ...after])
  return [...state.filter(({ type }) => type !== 'm.room.member'), ...needed]
}
