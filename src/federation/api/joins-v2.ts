import { sendJoinV2 } from '../../../schemas/server/joins-v2.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import { losslessBody } from '../pdus.ts'
import type { JoinsServices } from './joins-v1.ts'

export const joinsV2Routes = ({ inboundJoins }: JoinsServices): Route[] => [
  route(sendJoinV2, async ({ params, query, body, bodyText, requester: { origin } }) => {
    const sent = { ...params, pdu: losslessBody(body, bodyText) }
    return rawJson(await inboundJoins.accept(origin, sent, query.omit_members ?? false))
  }),
]
