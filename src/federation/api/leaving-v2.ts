import { sendLeaveV2 } from '../../../schemas/server/leaving-v2.ts'
import { type Route, route } from '../../http/route.ts'
import { losslessBody } from '../pdus.ts'
import type { LeavingServices } from './leaving-v1.ts'

export const leavingV2Routes = ({ leavesAndKnocks }: LeavingServices): Route[] => [
  route(sendLeaveV2, async ({ params, body, bodyText, requester: { origin } }) => {
    await leavesAndKnocks.leave(origin, { ...params, pdu: losslessBody(body, bodyText) })
    return {}
  }),
]
