import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { empty, json, jsonObject } from '../definitions.ts'
import { membershipTemplate } from '../events.ts'
import { eventId, roomId, userId } from '../ids.ts'

export const makeLeave = serverEndpoint('GET', '/_matrix/federation/v1/make_leave/:roomId/:userId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), userId: userId() }),
  response: Type.Object({ room_version: Type.Optional(Type.String()), event: jsonObject() }),
  ownResponse: Type.Object({ room_version: Type.String(), event: membershipTemplate() }),
})

/** Superseded by v2 in Matrix 1.0: the answer is `[200, {}]`. */
export const sendLeaveV1 = serverEndpoint('PUT', '/_matrix/federation/v1/send_leave/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  body: jsonObject(),
  response: Type.Array(json()),
  ownResponse: Type.Tuple([Type.Literal(200), empty()]),
  spec: 'https://spec.matrix.org/v1.2/server-server-api/#put_matrixfederationv1send_leaveroomideventid',
})
