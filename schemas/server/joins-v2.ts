import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { jsonObject } from '../definitions.ts'
import { roomStateForJoin } from '../events.ts'
import { eventId, roomId } from '../ids.ts'

export const sendJoinV2 = serverEndpoint('PUT', '/_matrix/federation/v2/send_join/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId(), eventId: eventId() }),
  query: Type.Object({ omit_members: Type.Optional(Type.Boolean()) }),
  body: jsonObject(),
  response: Type.Object({
    members_omitted: Type.Optional(Type.Boolean()),
    auth_chain: Type.Array(jsonObject()),
    state: Type.Array(jsonObject()),
    event: Type.Optional(jsonObject()),
    servers_in_room: Type.Optional(Type.Array(Type.String())),
    /** Synapse's older joiners read it. */
    origin: Type.Optional(Type.String()),
  }),
  ownResponse: roomStateForJoin(),
})
