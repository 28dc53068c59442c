import { Type } from 'typebox'
import { serverEndpoint } from '../apis.ts'
import { empty, jsonObject } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'

export const exchangeThirdPartyInvite = serverEndpoint('PUT', '/_matrix/federation/v1/exchange_third_party_invite/:roomId', {
  auth: 'server',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Object({
    type: Type.String(),
    room_id: roomId(),
    sender: userId(),
    state_key: userId(),
    content: jsonObject(),
  }),
  response: empty(),
})

const invite = () =>
  Type.Object({
    medium: Type.String(),
    address: Type.String(),
    mxid: userId(),
    room_id: roomId(),
    sender: userId(),
    signed: jsonObject(),
  })

const bound = { medium: Type.String(), address: Type.String(), mxid: userId() }

/** Called by an identity server when a user has proved to have an address that was invited. */
export const onBindThirdPartyIdentifier = serverEndpoint('PUT', '/_matrix/federation/v1/3pid/onbind', {
  auth: 'none',
  body: Type.Object({ ...bound, invites: Type.Array(invite()) }),
  response: empty(),
})

/** As identity servers called it before the specification said PUT. */
export const postBoundThirdPartyIdentifier = serverEndpoint('POST', '/_matrix/federation/v1/3pid/onbind', {
  auth: 'none',
  body: Type.Object({ ...bound, invites: Type.Optional(Type.Array(invite())) }),
  response: empty(),
})
