import { sendMessage, sendMessageWithoutTransaction } from '../../../schemas/client/room-send.ts'
import { maxDelayExceeded } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends } from '../../rooms/client-sends.ts'
import type { DelayedEvents } from '../../rooms/delayed-events.ts'

export const roomSendRoutes = (services: { clientSends: ClientSends; delayedEvents: DelayedEvents }): Route[] => [
  route(sendMessage, async ({ requester, params: { roomId, eventType: type, txnId }, query, body, bodyText }) => {
    const stickyMs = query['org.matrix.msc4354.sticky_duration_ms']
    const given = { content: body, text: bodyText, originServerTs: query.ts, stickyMs }
    const delayMs = query['org.matrix.msc4140.delay']
    if (delayMs === undefined) return { event_id: await services.clientSends.send(requester, roomId, type, given, txnId) }
    const wanted = { roomId, type, given, delayMs, txnId, tooLong: maxDelayExceeded }
    return { delay_id: await services.delayedEvents.schedule(requester, wanted) }
  }),
  route(sendMessageWithoutTransaction, async ({ requester, params, body, bodyText }) => ({
    event_id: await services.clientSends.send(requester, params.roomId, params.eventType, { content: body, text: bodyText }),
  })),
]
