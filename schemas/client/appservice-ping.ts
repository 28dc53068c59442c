import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'

export const pingAppservice = clientEndpoint('POST', '/_matrix/client/v1/appservice/:appserviceId/ping', {
  alsoAt: ['/_matrix/client/unstable/fi.mau.msc2659/appservice/:appserviceId/ping'],
  auth: 'app-service',
  rateLimit: 'write',
  params: Type.Object({ appserviceId: Type.String() }),
  bodyOptional: true,
  body: Type.Object({ transaction_id: Type.Optional(Type.String()) }),
  response: Type.Object({ duration_ms: natural() }),
})
