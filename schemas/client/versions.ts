import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { mapOf } from '../definitions.ts'

/** A token may change what is offered (MSC4026), so the answer must carry `Vary: Authorization`. */
export const getVersions = clientEndpoint('GET', '/_matrix/client/versions', {
  auth: 'optional-access-token',
  guests: true,
  response: Type.Object({ versions: Type.Array(Type.String()), unstable_features: Type.Optional(mapOf(Type.Boolean())) }),
})
