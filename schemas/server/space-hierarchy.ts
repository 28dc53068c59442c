import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { publicRoomKeys, roomSummaryKeys } from '../definitions.ts'
import { spaceRoom } from '../events.ts'
import { roomId } from '../ids.ts'

export const getSpaceHierarchy = serverEndpoint('GET', '/_matrix/federation/v1/hierarchy/:roomId', {
  alsoAt: ['/_matrix/federation/unstable/org.matrix.msc2946/hierarchy/:roomId'],
  auth: 'server',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({ suggested_only: Type.Optional(Type.Boolean()) }),
  response: Type.Object({
    room: spaceRoom(),
    children: Type.Array(Type.Object({ ...publicRoomKeys, ...roomSummaryKeys })),
    inaccessible_children: Type.Array(roomId()),
  }),
})
