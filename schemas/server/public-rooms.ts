import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { natural, publicRooms, publicRoomsQuery } from '../definitions.ts'

export const getPublicRooms = serverEndpoint('GET', '/_matrix/federation/v1/publicRooms', {
  auth: 'server',
  query: Type.Object({
    limit: Type.Optional(natural()),
    since: Type.Optional(Type.String()),
    include_all_networks: Type.Optional(Type.Boolean()),
    third_party_instance_id: Type.Optional(Type.String()),
  }),
  response: publicRooms(),
})

export const queryPublicRooms = serverEndpoint('POST', '/_matrix/federation/v1/publicRooms', {
  auth: 'server',
  body: publicRoomsQuery(),
  response: publicRooms(),
})
