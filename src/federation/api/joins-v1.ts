import { makeJoin, sendJoinV1 } from '../../../schemas/server/joins-v1.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { InboundJoins } from '../inbound/joins.ts'
import { losslessBody } from '../pdus.ts'

export interface JoinsServices {
  readonly inboundJoins: InboundJoins
}

/** Of a server that does not say which room versions it knows. */
const OLDEST_VERSIONS = ['1']

export const joinsV1Routes = ({ inboundJoins }: JoinsServices): Route[] => [
  route(makeJoin, async ({ params: { roomId, userId }, query: { ver = OLDEST_VERSIONS }, requester: { origin } }) =>
    inboundJoins.template(origin, roomId, userId, ver),
  ),
  route(sendJoinV1, async ({ params, body, bodyText, requester: { origin } }) => {
    const answer = await inboundJoins.accept(origin, { ...params, pdu: losslessBody(body, bodyText) }, false)
    return rawJson(['[200,', ...answer, ']'])
  }),
]
