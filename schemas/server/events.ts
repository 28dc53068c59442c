import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { direction, integer, jsonObject, pduBatch } from '../definitions.ts'
import { pdu } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

const room = () => Type.Object({ roomId: roomId() })
const atEvent = () => Type.Object({ event_id: eventId() })

export const getRoomState = serverEndpoint('GET', '/_matrix/federation/v1/state/:roomId', {
  auth: 'server',
  params: room(),
  query: atEvent(),
  response: Type.Object({ auth_chain: Type.Array(jsonObject()), pdus: Type.Array(jsonObject()) }),
  ownResponse: Type.Object({ auth_chain: Type.Array(pdu()), pdus: Type.Array(pdu()) }),
})

export const getRoomStateIds = serverEndpoint('GET', '/_matrix/federation/v1/state_ids/:roomId', {
  auth: 'server',
  params: room(),
  query: atEvent(),
  response: Type.Object({ auth_chain_ids: Type.Array(eventId()), pdu_ids: Type.Array(eventId()) }),
})

export const getEvent = serverEndpoint('GET', '/_matrix/federation/v1/event/:eventId', {
  auth: 'server',
  params: Type.Object({ eventId: eventId() }),
  response: pduBatch(jsonObject()),
  ownResponse: pduBatch(pdu()),
})

export const getEventByTimestamp = serverEndpoint('GET', '/_matrix/federation/v1/timestamp_to_event/:roomId', {
  alsoAt: ['/_matrix/federation/unstable/org.matrix.msc3030/timestamp_to_event/:roomId'],
  auth: 'server',
  params: room(),
  query: Type.Object({ ts: integer(), dir: direction() }),
  response: Type.Object({ event_id: eventId(), origin_server_ts: integer() }),
})
