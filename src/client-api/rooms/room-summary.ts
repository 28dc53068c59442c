import { getRoomSummary } from '../../../schemas/client/room-summary.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { Spaces } from '../../rooms/spaces.ts'

export const roomSummaryRoutes = ({ spaces }: { spaces: Spaces }): Route[] => [
  route(getRoomSummary, async ({ requester, params, query }) =>
    rawJson(JSON.stringify(await spaces.summary(requester, params.roomIdOrAlias, query.via ?? []))),
  ),
]
