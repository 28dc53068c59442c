import { objectAt } from '../../../schemas/json.ts'
import { sendInviteV1 } from '../../../schemas/server/invites-v1.ts'
import { type Route, route } from '../../http/route.ts'
import type { InboundInvites } from '../inbound/invites.ts'
import { losslessBody } from '../pdus.ts'

export interface InvitesServices {
  readonly inboundInvites: InboundInvites
}

/** The room version is not said: versions 1 and 2 have the same form of events, and are all that this one may be used for. */
const ASSUMED_VERSION = '1'

export const invitesV1Routes = ({ inboundInvites }: InvitesServices): Route[] => [
  route(sendInviteV1, async ({ params, body, bodyText, requester: { origin } }) => {
    const pdu = losslessBody(body, bodyText)
    const { invite_room_state: state } = objectAt(pdu, 'unsigned') ?? {}
    const roomState = Array.isArray(state) ? state : []
    return [200, { event: await inboundInvites.receive(origin, { ...params, version: ASSUMED_VERSION, pdu, roomState }) }]
  }),
]
