import { registrationTokenValidity } from '../../../schemas/client/registration-tokens.ts'
import { type Route, route } from '../../http/route.ts'
import type { Registration } from '../../users/register.ts'

export const registrationTokensRoutes = (services: { registration: Registration }): Route[] => [
  route(registrationTokenValidity, async ({ query }) => ({ valid: await services.registration.isGoodToken(query.token) })),
]
