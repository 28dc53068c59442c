import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject, MEGABYTE } from '../definitions.ts'
import { pdu } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

export const sendInviteV2 = serverEndpoint('PUT', '/_matrix/federation/v2/invite/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  maxBody: MEGABYTE,
  body: Type.Object({
    room_version: Type.String(),
    event: jsonObject(),
    /** Whole events or, from servers before Matrix 1.16, stripped ones. */
    invite_room_state: Type.Optional(Type.Array(jsonObject())),
  }),
  response: Type.Object({ event: jsonObject() }),
  ownResponse: Type.Object({ event: pdu() }),
})
