import { checkUsernameAvailability, register } from '../../../schemas/client/registration.ts'
import { type Route, route } from '../../http/route.ts'
import type { Registration } from '../../users/register.ts'

export const registrationRoutes = (services: { registration: Registration }): Route[] => [
  route(register, ({ body, query }) =>
    query.kind === 'guest' ? services.registration.registerGuest(body) : services.registration.register(body),
  ),
  route(checkUsernameAvailability, async ({ query }) => {
    await services.registration.assertAvailable(query.username)
    return { available: true }
  }),
]
