import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { natural } from '../definitions.ts'

/** An empty object where no TURN server is configured. */
export const getTurnServer = clientEndpoint('GET', '/_matrix/client/v3/voip/turnServer', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Object({
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    uris: Type.Optional(Type.Array(Type.String())),
    /** Seconds. */
    ttl: Type.Optional(natural()),
  }),
})
