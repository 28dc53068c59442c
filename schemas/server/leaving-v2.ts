import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { empty, jsonObject } from '../definitions.ts'
import { eventId, roomId } from '../ids.ts'

export const sendLeaveV2 = serverEndpoint('PUT', '/_matrix/federation/v2/send_leave/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  body: jsonObject(),
  response: empty(),
})
