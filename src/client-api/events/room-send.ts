import { sendMessage, sendMessageWithoutTransaction } from '../../../schemas/client/room-send.ts'
import { maxDelayExceeded } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends } from '../../rooms/client-sends.ts'
import type { DelayedEvents } from '../../rooms/delayed-events.ts'
import type { Presence } from '../../rooms/presence.ts'

interface Services {
  readonly clientSends: ClientSends
  readonly delayedEvents: DelayedEvents
  readonly presence: Pick<Presence, 'active'>
}

export const roomSendRoutes = (services: Services): Route[] => [
  route(sendMessage, async ({ requester, params: { roomId, eventType: type, txnId }, query, body, bodyText }) => {
    services.presence.active(requester)
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    const given = { content: body, text: bodyText, originServerTs: query.ts, stickyMs }
    const delayMs = query['org.matrix.msc4140.delay']
    if (delayMs === undefined) return { event_id: await services.clientSends.send(requester, roomId, type, given, txnId) }
    const wanted = { roomId, type, given, delayMs, txnId, tooLong: maxDelayExceeded }
    return { delay_id: await services.delayedEvents.schedule(requester, wanted) }
  }),
  route(sendMessageWithoutTransaction, async ({ requester, params, body, bodyText }) => {
    services.presence.active(requester)
    const given = { content: body, text: bodyText }
    return { event_id: await services.clientSends.send(requester, params.roomId, params.eventType, given) }
  }),
]
