import { forgetRoom, leaveRoom } from '../../../schemas/client/leaving.ts'
import { type Route, route } from '../../http/route.ts'
import type { Departures } from '../../rooms/membership/leave.ts'

export const leavingRoutes = ({ departures }: { departures: Departures }): Route[] => [
  route(leaveRoom, async ({ requester, params, body: { reason } }) => {
    await departures.leave(requester, params.roomId, reason === undefined ? {} : { reason })
    return {}
  }),
  route(forgetRoom, async ({ requester, params }) => {
    await departures.forget(requester, params.roomId)
    return {}
  }),
]
