import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { bytes } from '../definitions.ts'

const query = () => Type.Object({ redirectUrl: Type.String(), action: Type.Optional(Type.Enum(['login', 'register'])) })

export const redirectToSSO = clientEndpoint('GET', '/_matrix/client/v3/login/sso/redirect', {
  /** That of `m.login.cas`, from before there was another way than CAS. */
  alsoAt: ['/_matrix/client/v3/login/cas/redirect'],
  auth: 'none',
  rateLimit: 'login',
  query: query(),
  response: bytes(),
})

export const redirectToIdP = clientEndpoint('GET', '/_matrix/client/v3/login/sso/redirect/:idpId', {
  auth: 'none',
  rateLimit: 'login',
  params: Type.Object({ idpId: Type.String() }),
  query: query(),
  response: bytes(),
})
