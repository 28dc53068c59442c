import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject } from '../definitions.ts'
import { membershipTemplate, pdu, strippedEvent } from '../events.ts'
import { eventId, roomId, userId } from '../ids.ts'

export const makeKnock = serverEndpoint('GET', '/_matrix/federation/v1/make_knock/:roomId/:userId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), userId: userId() }),
  query: Type.Object({ ver: Type.Array(Type.String()) }),
  response: Type.Object({ room_version: Type.String(), event: jsonObject() }),
  ownResponse: Type.Object({ room_version: Type.String(), event: membershipTemplate() }),
})

export const sendKnock = serverEndpoint('PUT', '/_matrix/federation/v1/send_knock/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  body: jsonObject(),
  response: Type.Object({ knock_room_state: Type.Array(jsonObject()) }),
  ownResponse: Type.Object({ knock_room_state: Type.Array(Type.Union([pdu(), strippedEvent()])) }),
})
