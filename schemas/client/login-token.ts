import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { authDict, natural } from '../definitions.ts'

export const generateLoginToken = clientEndpoint('POST', '/_matrix/client/v1/login/get_token', {
  auth: 'access-token',
  rateLimit: 'login',
  bodyOptional: true,
  body: Type.Object({ auth: Type.Optional(authDict()) }),
  response: Type.Object({ login_token: Type.String(), expires_in_ms: natural() }),
})
