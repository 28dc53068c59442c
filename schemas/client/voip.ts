import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'

/** An empty object where no TURN server is configured. */
export const getTurnServer = clientEndpoint('GET', '/_matrix/client/v3/voip/turnServer', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Union([
    Type.Object({
      username: Type.String(),
      password: Type.String(),
      uris: Type.Array(Type.String()),
      /** Seconds. */
      ttl: natural(),
    }),
    Type.Object({}, { additionalProperties: false }),
  ]),
})
