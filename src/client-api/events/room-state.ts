import { setRoomStateWithKey } from '../../../schemas/client/room-state.ts'
import { maxDelayExceeded } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends } from '../../rooms/client-sends.ts'
import type { DelayedEvents } from '../../rooms/delayed-events.ts'

export const roomStateRoutes = (services: { clientSends: ClientSends; delayedEvents: DelayedEvents }): Route[] => [
  route(setRoomStateWithKey, async ({ requester, params, query, body, bodyText }) => {
    const { roomId, eventType: type, stateKey = '' } = params
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    const given = { content: body, text: bodyText, originServerTs: query.ts, stickyMs }
    const delayMs = query['org.matrix.msc4140.delay']
    if (delayMs === undefined) return { event_id: await services.clientSends.setState(requester, roomId, type, stateKey, given) }
    const wanted = { roomId, type, stateKey, given, delayMs, tooLong: maxDelayExceeded }
    return { delay_id: await services.delayedEvents.schedule(requester, wanted) }
  }),
]
