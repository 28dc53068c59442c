import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'

export const registrationTokenValidity = clientEndpoint(
  'GET',
  '/_matrix/client/v1/register/m.login.registration_token/validity',
  {
    auth: 'none',
    rateLimit: 'registration',
    query: Type.Object({ token: Type.String() }),
    response: Type.Object({ valid: Type.Boolean() }),
  },
)
