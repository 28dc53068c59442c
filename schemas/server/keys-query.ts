import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { integer, jsonObject, mapOf } from '../definitions.ts'
import { serverName } from '../ids.ts'

/** Each of the form of `getServerKey`; judged one by one, so that a bad one does not spoil the others. */
const queried = () => Type.Object({ server_keys: Type.Array(jsonObject()) })

/** The key ID in the path of old callers asks for that key. */
export const getQueriedKeys = serverEndpoint('GET', '/_matrix/key/v2/query/:serverName', {
  alsoAt: ['/_matrix/key/v2/query/:serverName/:keyId'],
  auth: 'none',
  params: Type.Object({ serverName: serverName(), keyId: Type.Optional(Type.String()) }),
  query: Type.Object({ minimum_valid_until_ts: Type.Optional(integer()) }),
  response: queried(),
})

export const queryKeys = serverEndpoint('POST', '/_matrix/key/v2/query', {
  auth: 'none',
  body: Type.Object({
    /** By server name and key ID; all keys of a server where no key ID is given. */
    server_keys: mapOf(mapOf(Type.Object({ minimum_valid_until_ts: Type.Optional(integer()) }))),
  }),
  response: queried(),
})
