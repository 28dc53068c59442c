import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { jsonObject } from '../definitions.ts'

export const getCapabilities = clientEndpoint('GET', '/_matrix/client/v3/capabilities', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Object({ capabilities: jsonObject() }),
})
