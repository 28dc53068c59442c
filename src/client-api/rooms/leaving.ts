import { forgetRoom, leaveRoom } from '../../../schemas/client/leaving.ts'
import { type Route, route } from '../../http/route.ts'
import type { Departures } from '../../rooms/membership/leave.ts'
import { reasonOf } from './reason.ts'

export const leavingRoutes = ({ departures }: { departures: Departures }): Route[] => [
  route(leaveRoom, async ({ requester, params, body }) => {
    await departures.leave(requester, params.roomId, reasonOf(body))
    return {}
  }),
  route(forgetRoom, async ({ requester, params }) => {
    await departures.forget(requester, params.roomId)
    return {}
  }),
]
