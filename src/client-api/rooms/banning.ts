import { ban, unban } from '../../../schemas/client/banning.ts'
import { type Route, route } from '../../http/route.ts'
import type { Bans } from '../../rooms/membership/ban.ts'

export const banningRoutes = ({ bans }: { bans: Bans }): Route[] => [
  route(
    ban,
    async ({ requester, params, body: { user_id: target, reason, 'org.matrix.msc4293.redact_events': redactEvents } }) => {
      const given = {
        ...(reason !== undefined && { reason }),
        ...(redactEvents !== undefined && { 'org.matrix.msc4293.redact_events': redactEvents }),
      }
      await bans.ban(requester, params.roomId, target, given)
      return {}
    },
  ),
  route(unban, async ({ requester, params, body: { user_id: target, reason } }) => {
    await bans.unban(requester, params.roomId, target, reason === undefined ? {} : { reason })
    return {}
  }),
]
