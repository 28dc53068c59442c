import { clientEndpoint } from '../apis.ts'
import { jsonObject } from '../definitions.ts'

export const getAuthMetadata = clientEndpoint('GET', '/_matrix/client/v1/auth_metadata', {
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2965/auth_metadata'],
  auth: 'none',
  rateLimit: 'read',
  response: jsonObject(),
})
