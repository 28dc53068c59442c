import { kick } from '../../../schemas/client/kicking.ts'
import { type Route, route } from '../../http/route.ts'
import type { Kicks } from '../../rooms/membership/kick.ts'
import { removalOf } from './reason.ts'

export const kickingRoutes = ({ kicks }: { kicks: Kicks }): Route[] => [
  route(kick, async ({ requester, params, body }) => {
    await kicks.kick(requester, params.roomId, body.user_id, removalOf(body))
    return {}
  }),
]
