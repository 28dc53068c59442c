import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'

const server = () => Type.Object({ base_url: Type.String() })

export const getWellknown = clientEndpoint('GET', '/.well-known/matrix/client', {
  auth: 'none',
  response: Type.Object({ 'm.homeserver': server(), 'm.identity_server': Type.Optional(server()) }),
})
