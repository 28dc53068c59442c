import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { authDict, credentials, emailTokenRequest, phoneTokenRequest, tokenRequested } from '../definitions.ts'
import { deviceId, serverName, userId } from '../ids.ts'

export const register = clientEndpoint('POST', '/_matrix/client/v3/register', {
  auth: 'optional-access-token',
  rateLimit: 'registration',
  query: Type.Object({ kind: Type.Optional(Type.Enum(['guest', 'user'])) }),
  bodyOptional: true,
  body: Type.Object({
    auth: Type.Optional(authDict()),
    /** `m.login.application_service` where an application service registers one of its users. */
    type: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    device_id: Type.Optional(deviceId()),
    initial_device_display_name: Type.Optional(Type.String()),
    inhibit_login: Type.Optional(Type.Boolean()),
    refresh_token: Type.Optional(Type.Boolean()),
    /** Upgrades this guest's account. https://spec.matrix.org/v1.19/client-server-api/#guest-access */
    guest_access_token: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    user_id: userId(),
    ...Type.Partial(Type.Object(credentials)).properties,
    device_id: Type.Optional(deviceId()),
    home_server: Type.Optional(serverName()),
  }),
})

export const checkUsernameAvailability = clientEndpoint('GET', '/_matrix/client/v3/register/available', {
  auth: 'none',
  rateLimit: 'read',
  query: Type.Object({ username: Type.String() }),
  response: Type.Object({ available: Type.Boolean() }),
})

export const requestTokenToRegisterEmail = clientEndpoint('POST', '/_matrix/client/v3/register/email/requestToken', {
  auth: 'none',
  rateLimit: 'registration',
  body: emailTokenRequest(),
  response: tokenRequested(),
})

export const requestTokenToRegisterMSISDN = clientEndpoint('POST', '/_matrix/client/v3/register/msisdn/requestToken', {
  auth: 'none',
  rateLimit: 'registration',
  body: phoneTokenRequest(),
  response: tokenRequested(),
})
