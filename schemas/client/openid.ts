import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { jsonObject, natural } from '../definitions.ts'
import { serverName, userId } from '../ids.ts'

export const requestOpenIdToken = clientEndpoint('POST', '/_matrix/client/v3/user/:userId/openid/request_token', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ userId: userId() }),
  bodyOptional: true,
  body: jsonObject(),
  response: Type.Object({
    access_token: Type.String(),
    token_type: Type.String(),
    matrix_server_name: serverName(),
    /** Seconds. */
    expires_in: natural(),
  }),
})
