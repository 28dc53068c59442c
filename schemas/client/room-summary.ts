import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { membership, publicRoomKeys, roomIdOrAlias, roomSummaryKeys } from '../definitions.ts'
import { serverName } from '../ids.ts'

export const getRoomSummary = clientEndpoint('GET', '/_matrix/client/v1/room_summary/:roomIdOrAlias', {
  alsoAt: [
    '/_matrix/client/unstable/im.nheko.summary/summary/:roomIdOrAlias',
    '/_matrix/client/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary',
  ],
  auth: 'optional-access-token',
  guests: true,
  rateLimit: 'read',
  params: Type.Object({ roomIdOrAlias: roomIdOrAlias() }),
  query: Type.Object({ via: Type.Optional(Type.Array(serverName())) }),
  response: Type.Object({ ...publicRoomKeys, ...roomSummaryKeys, membership: Type.Optional(membership()) }),
})
