import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'

export const getWellKnown = serverEndpoint('GET', '/.well-known/matrix/server', {
  auth: 'none',
  response: Type.Object({ 'm.server': Type.String() }),
})
