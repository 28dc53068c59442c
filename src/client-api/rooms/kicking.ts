import { kick } from '../../../schemas/client/kicking.ts'
import { type Route, route } from '../../http/route.ts'
import type { Kicks } from '../../rooms/membership/kick.ts'

export const kickingRoutes = ({ kicks }: { kicks: Kicks }): Route[] => [
  route(
    kick,
    async ({ requester, params, body: { user_id: target, reason, 'org.matrix.msc4293.redact_events': redactEvents } }) => {
      const given = {
        ...(reason !== undefined && { reason }),
        ...(redactEvents !== undefined && { 'org.matrix.msc4293.redact_events': redactEvents }),
      }
      await kicks.kick(requester, params.roomId, target, given)
      return {}
    },
  ),
]
