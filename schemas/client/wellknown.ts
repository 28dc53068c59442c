import { clientEndpoint } from '../apis.ts'
import { discoveryInformation } from '../definitions.ts'

export const getWellknown = clientEndpoint('GET', '/.well-known/matrix/client', {
  auth: 'none',
  response: discoveryInformation(),
})
