import { inviteUser } from '../../../schemas/client/inviting.ts'
import { invalidParam } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { Invites } from '../../rooms/membership/invite.ts'

export const invitingRoutes = ({ invites }: { invites: Invites }): Route[] => [
  route(inviteUser, async ({ requester, params, body }) => {
    if (!('user_id' in body)) throw invalidParam('This server cannot invite by e-mail address or phone number')
    const { user_id: target, reason } = body
    await invites.invite(requester, params.roomId, target, reason === undefined ? {} : { reason })
    return {}
  }),
]
