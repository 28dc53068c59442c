import { sendInviteV2 } from '../../../schemas/server/invites-v2.ts'
import { type Route, route } from '../../http/route.ts'
import { losslessBody } from '../pdus.ts'
import type { InvitesServices } from './invites-v1.ts'

export const invitesV2Routes = ({ inboundInvites }: InvitesServices): Route[] => [
  route(sendInviteV2, async ({ params, body, bodyText, requester: { origin } }) => {
    const { room_version: version, event: pdu, invite_room_state: roomState = [] } = losslessBody(body, bodyText)
    return { event: await inboundInvites.receive(origin, { ...params, version, pdu, roomState }) }
  }),
]
