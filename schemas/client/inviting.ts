import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty } from '../definitions.ts'
import { roomId, userId } from '../ids.ts'
import { thirdPartyInvite } from './third-party-membership.ts'

/** One path invites a user of Matrix (`user_id`) or somebody by an address elsewhere (`medium`, see third-party-membership.ts). */
export const inviteUser = clientEndpoint('POST', '/_matrix/client/v3/rooms/:roomId/invite', {
  auth: 'access-token',
  rateLimit: 'invite',
  params: Type.Object({ roomId: roomId() }),
  body: Type.Union([Type.Object({ user_id: userId(), reason: Type.Optional(Type.String()) }), thirdPartyInvite()]),
  response: empty(),
})
