import { getLoginFlows, login } from '../../../schemas/client/login.ts'
import { type Route, route } from '../../http/route.ts'
import type { Login } from '../../users/login.ts'

export const loginRoutes = (services: { login: Login }): Route[] => [
  route(getLoginFlows, async () => ({ flows: services.login.flows })),
  route(login, ({ body }) => services.login.logIn(body)),
]
