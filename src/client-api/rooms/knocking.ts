import { knockRoom } from '../../../schemas/client/knocking.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomAliases } from '../../rooms/aliases.ts'
import type { Knocks } from '../../rooms/membership/knock.ts'
import { reasonOf } from './reason.ts'

export const knockingRoutes = ({ knocks, roomAliases }: { knocks: Knocks; roomAliases: RoomAliases }): Route[] => [
  route(knockRoom, async ({ requester, params, query, body }) => {
    const { roomId, servers } = await roomAliases.locate(params.roomIdOrAlias, query.via ?? query.server_name ?? [])
    await knocks.knock(requester, roomId, servers, reasonOf(body))
    return { room_id: roomId }
  }),
]
