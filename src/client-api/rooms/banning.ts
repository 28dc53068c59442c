import { ban, unban } from '../../../schemas/client/banning.ts'
import { type Route, route } from '../../http/route.ts'
import type { Bans } from '../../rooms/membership/ban.ts'
import { reasonOf, removalOf } from './reason.ts'

export const banningRoutes = ({ bans }: { bans: Bans }): Route[] => [
  route(ban, async ({ requester, params, body }) => {
    await bans.ban(requester, params.roomId, body.user_id, removalOf(body))
    return {}
  }),
  route(unban, async ({ requester, params, body }) => {
    await bans.unban(requester, params.roomId, body.user_id, reasonOf(body))
    return {}
  }),
]
