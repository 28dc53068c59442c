import { clientEndpoint } from '../apis.ts'
import { empty } from '../definitions.ts'

export const logout = clientEndpoint('POST', '/_matrix/client/v3/logout', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  response: empty(),
})

export const logoutAll = clientEndpoint('POST', '/_matrix/client/v3/logout/all', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'write',
  response: empty(),
})
