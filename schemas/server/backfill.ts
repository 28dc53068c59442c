import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject, natural, pduBatch } from '../definitions.ts'
import { pdu } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

export const backfillRoom = serverEndpoint('GET', '/_matrix/federation/v1/backfill/:roomId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId() }),
  query: Type.Object({ v: Type.Array(eventId()), limit: natural() }),
  response: pduBatch(jsonObject()),
  ownResponse: pduBatch(pdu()),
})

export const getMissingPreviousEvents = serverEndpoint('POST', '/_matrix/federation/v1/get_missing_events/:roomId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Object({
    /** 10 where nothing is said. */
    limit: Type.Optional(natural()),
    min_depth: Type.Optional(natural()),
    earliest_events: Type.Array(eventId()),
    latest_events: Type.Array(eventId()),
  }),
  response: Type.Object({ events: Type.Array(jsonObject()) }),
  ownResponse: Type.Object({ events: Type.Array(pdu()) }),
})
