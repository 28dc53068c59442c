import { ban, unban } from '../../../schemas/client/banning.ts'
import { type Route, route } from '../../http/route.ts'
import type { Bans } from '../../rooms/membership/ban.ts'

export const banningRoutes = ({ bans }: { bans: Bans }): Route[] => [
  route(ban, async ({ requester, params, body: { user_id: target, reason } }) => {
    await bans.ban(requester, params.roomId, target, reason === undefined ? {} : { reason })
    return {}
  }),
  route(unban, async ({ requester, params, body: { user_id: target, reason } }) => {
    await bans.unban(requester, params.roomId, target, reason === undefined ? {} : { reason })
    return {}
  }),
]
