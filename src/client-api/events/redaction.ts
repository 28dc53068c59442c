import { redactEvent, redactEventWithoutTransaction } from '../../../schemas/client/redaction.ts'
import type { BodyOf } from '../../../schemas/endpoint.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientSends, RedactionRequest } from '../../rooms/client-sends.ts'

export const redactionRoutes = ({ clientSends }: { clientSends: ClientSends }): Route[] => [
  route(redactEvent, async ({ requester, params, body, bodyText }) => ({
    event_id: await clientSends.redact(requester, params.roomId, params.eventId, requestOf(body, bodyText), params.txnId),
  })),
  route(redactEventWithoutTransaction, async ({ requester, params, body, bodyText }) => ({
    event_id: await clientSends.redact(requester, params.roomId, params.eventId, requestOf(body, bodyText)),
  })),
]

function requestOf(body: BodyOf<typeof redactEvent>, text: string): RedactionRequest {
  const { with_rel_types: named, 'org.matrix.msc3912.with_relations': unstable, ...content } = body
  return { content, text, withRelations: named ?? unstable ?? [] }
}
