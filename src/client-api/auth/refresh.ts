import { refresh } from '../../../schemas/client/refresh.ts'
import { type Route, route } from '../../http/route.ts'
import type { Sessions } from '../../users/sessions.ts'

export const refreshRoutes = (services: { sessions: Sessions }): Route[] => [
  route(refresh, ({ body }) => services.sessions.refresh(body.refresh_token)),
]
