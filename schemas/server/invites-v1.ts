import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { json, jsonObject, MEGABYTE } from '../definitions.ts'
import { pdu } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

/** The answer is `[200, {event}]`. */
export const sendInviteV1 = serverEndpoint('PUT', '/_matrix/federation/v1/invite/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  /** The event, with `unsigned.invite_room_state`. */
  maxBody: MEGABYTE,
  body: jsonObject(),
  response: Type.Array(json()),
  ownResponse: Type.Tuple([Type.Literal(200), Type.Object({ event: pdu() })]),
})
