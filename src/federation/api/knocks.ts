import { makeKnock, sendKnock } from '../../../schemas/server/knocks.ts'
import { type Route, route } from '../../http/route.ts'
import { losslessBody } from '../pdus.ts'
import type { LeavingServices } from './leaving-v1.ts'

export const knocksRoutes = ({ leavesAndKnocks }: LeavingServices): Route[] => [
  route(makeKnock, async ({ params: { roomId, userId }, query: { ver }, requester: { origin } }) =>
    leavesAndKnocks.knockTemplate(origin, roomId, userId, ver),
  ),
  route(sendKnock, async ({ params, body, bodyText, requester: { origin } }) => {
    const state = await leavesAndKnocks.knock(origin, { ...params, pdu: losslessBody(body, bodyText) })
    return { knock_room_state: state }
  }),
]
