import { backfillRoom, getMissingPreviousEvents } from '../../../schemas/server/backfill.ts'
import { type Route, route } from '../../http/route.ts'
import type { EventsServices } from './events.ts'

type BackfillServices = Pick<EventsServices, 'serverName' | 'clock' | 'inboundHistory'>

const DEFAULT_MISSING = 10

export const backfillRoutes = ({ serverName, clock, inboundHistory }: BackfillServices): Route[] => [
  route(backfillRoom, async ({ params, query, requester: { origin } }) => {
    const pdus = await inboundHistory.backfill(origin, params.roomId, query.v, query.limit)
    return { origin: serverName, origin_server_ts: clock.now(), pdus }
  }),
  route(getMissingPreviousEvents, async ({ params, body, requester: { origin } }) => {
    const events = await inboundHistory.missing(origin, params.roomId, {
      earliest: body.earliest_events,
      latest: body.latest_events,
      limit: body.limit ?? DEFAULT_MISSING,
      minDepth: body.min_depth ?? 0,
    })
    return { events }
  }),
]
