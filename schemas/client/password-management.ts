import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { authDict, emailTokenRequest, empty, phoneTokenRequest, tokenRequested } from '../definitions.ts'

/** Without an access token, the user must prove who they are by an address of theirs. */
export const changePassword = clientEndpoint('POST', '/_matrix/client/v3/account/password', {
  auth: 'optional-access-token',
  rateLimit: 'login',
  body: Type.Object({
    new_password: Type.String(),
    logout_devices: Type.Optional(Type.Boolean()),
    auth: Type.Optional(authDict()),
  }),
  response: empty(),
})

export const requestTokenToResetPasswordEmail = clientEndpoint('POST', '/_matrix/client/v3/account/password/email/requestToken', {
  auth: 'none',
  rateLimit: 'registration',
  body: emailTokenRequest(),
  response: tokenRequested(),
})

export const requestTokenToResetPasswordMSISDN = clientEndpoint(
  'POST',
  '/_matrix/client/v3/account/password/msisdn/requestToken',
  {
    auth: 'none',
    rateLimit: 'registration',
    body: phoneTokenRequest(),
    response: tokenRequested(),
  },
)
