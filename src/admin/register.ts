import { getRegistrationNonce, registerWithSharedSecret } from '../../schemas/admin/register.ts'
import { type Route, route } from '../http/route.ts'
import type { SharedSecretRegistration } from '../users/shared-secret.ts'

export const sharedSecretRoutes = (services: { sharedSecret: SharedSecretRegistration }): Route[] => [
  route(getRegistrationNonce, async () => ({ nonce: services.sharedSecret.newNonce() })),
  route(registerWithSharedSecret, ({ body }) => services.sharedSecret.register(body)),
]
