import { getTurnServer } from '../../../schemas/client/voip.ts'
import { type Route, route } from '../../http/route.ts'
import type { TurnServers } from '../../users/turn.ts'

export const voipRoutes = ({ turnServers }: { turnServers: TurnServers }): Route[] => [
  // Where there are none, clients do without.
  route(getTurnServer, async ({ requester }) => turnServers.credentialsFor(requester.userId) ?? {}),
]
