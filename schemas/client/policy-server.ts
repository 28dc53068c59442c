import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { mapOf } from '../definitions.ts'

export const getWellknownPolicy = clientEndpoint('GET', '/.well-known/matrix/policy_server', {
  auth: 'none',
  rateLimit: 'read',
  response: Type.Object({ public_keys: mapOf(Type.String()) }),
})
