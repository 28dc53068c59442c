import { redactEvent, redactEventWithoutTransaction } from '../../../schemas/client/redaction.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends } from '../../rooms/client-sends.ts'

export const redactionRoutes = ({ clientSends }: { clientSends: ClientSends }): Route[] => [
  route(redactEvent, async ({ requester, params, body, bodyText }) => {
    const given = { content: body, text: bodyText }
    return { event_id: await clientSends.redact(requester, params.roomId, params.eventId, given, params.txnId) }
  }),
  route(redactEventWithoutTransaction, async ({ requester, params, body, bodyText }) => {
    const given = { content: body, text: bodyText }
    return { event_id: await clientSends.redact(requester, params.roomId, params.eventId, given) }
  }),
]
