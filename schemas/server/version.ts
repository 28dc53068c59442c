import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'

export const getServerVersion = serverEndpoint('GET', '/_matrix/federation/v1/version', {
  auth: 'none',
  rateLimit: 'none',
  response: Type.Object({
    server: Type.Optional(Type.Object({ name: Type.Optional(Type.String()), version: Type.Optional(Type.String()) })),
  }),
})
