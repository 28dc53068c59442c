import { getEventByTimestamp } from '../../../schemas/client/room-event-by-timestamp.ts'
import { type Route, route } from '../../http/route.ts'
import type { EventsByTimestamp } from '../../rooms/by-timestamp.ts'

export const roomEventByTimestampRoutes = ({ eventsByTimestamp }: { eventsByTimestamp: EventsByTimestamp }): Route[] => [
  route(getEventByTimestamp, async ({ requester, params, query }) => {
    const { eventId, originServerTs } = await eventsByTimestamp.nearest(requester, params.roomId, query.ts, query.dir)
    return { event_id: eventId, origin_server_ts: originServerTs }
  }),
]
