import { logout, logoutAll } from '../../../schemas/client/logout.ts'
import { type Route, route } from '../../http/route.ts'
import type { Sessions } from '../../users/sessions.ts'

export const logoutRoutes = (services: { sessions: Sessions }): Route[] => [
  route(logout, async ({ requester }) => {
    await services.sessions.logOut(requester)
    return {}
  }),
  route(logoutAll, async ({ requester }) => {
    await services.sessions.logOutEverywhere(requester)
    return {}
  }),
]
