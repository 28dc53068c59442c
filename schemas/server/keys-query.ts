import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { mapOf, natural, serverKeys, signedServerKeys } from '../definitions.ts'
import { serverName } from '../ids.ts'

const keys = () => Type.Object({ server_keys: Type.Array(serverKeys()) })
const signedKeys = () => Type.Object({ server_keys: Type.Array(signedServerKeys()) })

/** The key ID in the path of old callers is ignored. */
export const perspectivesKeyQuery = serverEndpoint('GET', '/_matrix/key/v2/query/:serverName', {
  alsoAt: ['/_matrix/key/v2/query/:serverName/:keyId'],
  auth: 'none',
  params: Type.Object({ serverName: serverName(), keyId: Type.Optional(Type.String()) }),
  query: Type.Object({ minimum_valid_until_ts: Type.Optional(natural()) }),
  response: keys(),
  ownResponse: signedKeys(),
})

export const bulkPerspectivesKeyQuery = serverEndpoint('POST', '/_matrix/key/v2/query', {
  auth: 'none',
  /** By server and key ID; no key IDs ask for all keys. */
  body: Type.Object({
    server_keys: mapOf(mapOf(Type.Object({ minimum_valid_until_ts: Type.Optional(natural()) }))),
  }),
  response: keys(),
  ownResponse: signedKeys(),
})
