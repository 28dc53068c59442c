import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { json, jsonObject } from '../definitions.ts'
import { membershipTemplate, roomStateForJoin } from '../events.ts'
import { eventId, roomId, userId } from '../ids.ts'

export const makeJoin = serverEndpoint('GET', '/_matrix/federation/v1/make_join/:roomId/:userId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), userId: userId() }),
  /** The room versions that the joining server knows; only version 1 where there are none. */
  query: Type.Object({ ver: Type.Optional(Type.Array(Type.String())) }),
  response: Type.Object({ room_version: Type.Optional(Type.String()), event: jsonObject() }),
  ownResponse: Type.Object({ room_version: Type.String(), event: membershipTemplate() }),
})

/** Superseded by v2 in Matrix 1.0: the answer is wrapped in `[200, …]`. */
export const sendJoinV1 = serverEndpoint('PUT', '/_matrix/federation/v1/send_join/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  body: jsonObject(),
  response: Type.Array(json()),
  ownResponse: Type.Tuple([Type.Literal(200), roomStateForJoin()]),
  spec: 'https://spec.matrix.org/v1.2/server-server-api/#put_matrixfederationv1send_joinroomideventid',
})
