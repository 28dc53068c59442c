import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { empty, jsonObject } from '../definitions.ts'
import { roomId } from '../ids.ts'

export const sendLeaveV2 = serverEndpoint('PUT', '/_matrix/federation/v2/send_leave/:roomId/:eventId', {
  auth: 'server',
  /** What is no ID cannot be that of the event, whose own faults come first. */
  params: Type.Object({ roomId: roomId(), eventId: Type.String() }),
  body: jsonObject(),
  response: empty(),
})
