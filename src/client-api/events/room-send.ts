import { sendMessage, sendMessageWithoutTransaction } from '../../../schemas/client/room-send.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends } from '../../rooms/client-sends.ts'

export const roomSendRoutes = ({ clientSends }: { clientSends: ClientSends }): Route[] => [
  route(sendMessage, async ({ requester, params, query, body, bodyText }) => {
    const given = { content: body, text: bodyText, originServerTs: query.ts }
    return { event_id: await clientSends.send(requester, params.roomId, params.eventType, given, params.txnId) }
  }),
  route(sendMessageWithoutTransaction, async ({ requester, params, body, bodyText }) => ({
    event_id: await clientSends.send(requester, params.roomId, params.eventType, { content: body, text: bodyText }),
  })),
]
