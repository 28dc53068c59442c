import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { credentials } from '../definitions.ts'

export const refresh = clientEndpoint('POST', '/_matrix/client/v3/refresh', {
  auth: 'none',
  rateLimit: 'login',
  body: Type.Object({ refresh_token: Type.String() }),
  response: Type.Object(credentials),
})
