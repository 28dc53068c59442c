import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'

export const getVersion = serverEndpoint('GET', '/_matrix/federation/v1/version', {
  auth: 'none',
  response: Type.Object({ server: Type.Object({ name: Type.String(), version: Type.String() }) }),
})
