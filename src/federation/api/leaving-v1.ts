import { makeLeave, sendLeaveV1 } from '../../../schemas/server/leaving-v1.ts'
import { type Route, route } from '../../http/route.ts'
import type { LeavesAndKnocks } from '../inbound/leaves-and-knocks.ts'
import { losslessBody } from '../pdus.ts'

export interface LeavingServices {
  readonly leavesAndKnocks: LeavesAndKnocks
}

export const leavingV1Routes = ({ leavesAndKnocks }: LeavingServices): Route[] => [
  route(makeLeave, async ({ params: { roomId, userId }, requester: { origin } }) =>
    leavesAndKnocks.leaveTemplate(origin, roomId, userId),
  ),
  route(sendLeaveV1, async ({ params, body, bodyText, requester: { origin } }) => {
    await leavesAndKnocks.leave(origin, { ...params, pdu: losslessBody(body, bodyText) })
    return [200, {}]
  }),
]
