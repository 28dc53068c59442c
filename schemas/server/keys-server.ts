import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { serverKeys, signedServerKeys } from '../definitions.ts'

/** The key ID in the path of old callers is ignored. */
export const getServerKey = serverEndpoint('GET', '/_matrix/key/v2/server', {
  alsoAt: ['/_matrix/key/v2/server/', '/_matrix/key/v2/server/:keyId'],
  auth: 'none',
  rateLimit: 'none',
  params: Type.Object({ keyId: Type.Optional(Type.String()) }),
  response: serverKeys(),
  ownResponse: signedServerKeys(),
})
