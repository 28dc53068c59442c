import { getEventAuth } from '../../../schemas/server/event-auth.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { EventsServices } from './events.ts'

export const eventAuthRoutes = ({ inboundHistory, served }: Pick<EventsServices, 'inboundHistory' | 'served'>): Route[] => [
  route(getEventAuth, async ({ params, requester: { origin } }) => {
    const chain = await inboundHistory.authChain(origin, params.roomId, params.eventId)
    return rawJson(`{"auth_chain":[${(await served.texts(chain)).join(',')}]}`)
  }),
]
