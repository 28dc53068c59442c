import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { userId } from '../ids.ts'

/** Called by whoever got a user's OpenID token. Without one: 401 M_MISSING_TOKEN, says the specification. */
export const exchangeOpenIdToken = serverEndpoint('GET', '/_matrix/federation/v1/openid/userinfo', {
  auth: 'none',
  query: Type.Object({ access_token: Type.Optional(Type.String()) }),
  response: Type.Object({ sub: userId() }),
})
