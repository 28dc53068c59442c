import { inviteUser } from '../../../schemas/client/inviting.ts'
import { type Route, route } from '../../http/route.ts'
import type { Invites } from '../../rooms/membership/invite.ts'
import type { ThirdPartyInvites } from '../../rooms/third-party-invites.ts'
import { reasonOf } from './reason.ts'

interface Services {
  readonly invites: Invites
  readonly thirdPartyInvites: ThirdPartyInvites
}

export const invitingRoutes = ({ invites, thirdPartyInvites }: Services): Route[] => [
  route(inviteUser, async ({ requester, params, body }) => {
    const given = reasonOf(body)
    if ('user_id' in body) await invites.invite(requester, params.roomId, body.user_id, given)
    else await thirdPartyInvites.invite(requester, params.roomId, body, given)
    return {}
  }),
]
