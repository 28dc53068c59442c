import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { authDict } from '../definitions.ts'

export const deactivateAccount = clientEndpoint('POST', '/_matrix/client/v3/account/deactivate', {
  auth: 'optional-access-token',
  rateLimit: 'login',
  bodyOptional: true,
  body: Type.Object({
    auth: Type.Optional(authDict()),
    id_server: Type.Optional(Type.String()),
    erase: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({ id_server_unbind_result: Type.Enum(['success', 'no-support']) }),
})
