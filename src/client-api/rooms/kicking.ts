import { kick } from '../../../schemas/client/kicking.ts'
import { type Route, route } from '../../http/route.ts'
import type { Kicks } from '../../rooms/membership/kick.ts'

export const kickingRoutes = ({ kicks }: { kicks: Kicks }): Route[] => [
  route(kick, async ({ requester, params, body: { user_id: target, reason } }) => {
    await kicks.kick(requester, params.roomId, target, reason === undefined ? {} : { reason })
    return {}
  }),
]
