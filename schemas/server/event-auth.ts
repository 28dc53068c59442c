import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject } from '../definitions.ts'
import { pdu } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

export const getEventAuth = serverEndpoint('GET', '/_matrix/federation/v1/event_auth/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  response: Type.Object({ auth_chain: Type.Array(jsonObject()) }),
  ownResponse: Type.Object({ auth_chain: Type.Array(pdu()) }),
})
