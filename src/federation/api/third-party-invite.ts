import {
  exchangeThirdPartyInvite,
  onBindThirdPartyIdentifier,
  postBoundThirdPartyIdentifier,
} from '../../../schemas/server/third-party-invite.ts'
import { type ServerName, serverOf } from '../../../schemas/ids.ts'
import { objectAt } from '../../../schemas/json.ts'
import { forbidden, invalidParam } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { ThirdPartyInvites } from '../../rooms/third-party-invites.ts'
import type { RoomAccess } from '../inbound/access.ts'

export interface ThirdPartyInviteServices {
  readonly serverName: ServerName
  readonly access: RoomAccess
  readonly thirdPartyInvites: Pick<ThirdPartyInvites, 'send' | 'acceptAll'>
}

export const thirdPartyInviteRoutes = ({ serverName, access, thirdPartyInvites }: ThirdPartyInviteServices): Route[] => [
  route(exchangeThirdPartyInvite, async ({ params, body, requester: { origin } }) => {
    const { type, room_id: roomId, sender, state_key: target, content } = body
    const signed = objectAt(objectAt(content, 'third_party_invite') ?? {}, 'signed')
    if (type !== 'm.room.member' || roomId !== params.roomId || content['membership'] !== 'invite' || !signed) {
      throw invalidParam('The event is not the third-party invite of this room')
    }
    if (serverOf(sender) !== serverName) throw forbidden(`${sender} is not a user of this server`)
    await thirdPartyInvites.send(await access.room(origin, roomId), sender, target, signed)
    return {}
  }),
  route(onBindThirdPartyIdentifier, async ({ body }) => {
    await thirdPartyInvites.acceptAll(body.invites)
    return {}
  }),
  route(postBoundThirdPartyIdentifier, async ({ body }) => {
    await thirdPartyInvites.acceptAll(body.invites ?? [])
    return {}
  }),
]
