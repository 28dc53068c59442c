import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'

export const getServerWellKnown = serverEndpoint('GET', '/.well-known/matrix/server', {
  auth: 'none',
  rateLimit: 'none',
  response: Type.Object({ 'm.server': Type.Optional(Type.String()) }),
})
