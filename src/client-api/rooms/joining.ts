import type { BodyOf } from '../../../schemas/endpoint.ts'
import { joinRoom, joinRoomById } from '../../../schemas/client/joining.ts'
import type { RoomAlias, RoomId, ServerName } from '../../../schemas/ids.ts'
import type { Requester } from '../../core/requester.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomAliases } from '../../rooms/aliases.ts'
import type { Joins } from '../../rooms/membership/join.ts'
import type { ThirdPartyInvites } from '../../rooms/third-party-invites.ts'
import { forbidden } from '../../core/errors.ts'

interface Services {
  joins: Joins
  roomAliases: RoomAliases
  thirdPartyInvites: Pick<ThirdPartyInvites, 'accept'>
}

export const joiningRoutes = (services: Services): Route[] => [
  route(joinRoomById, ({ requester, params, body }) => join(services, requester, params.roomId, [], body)),
  route(joinRoom, ({ requester, params, query, body }) =>
    join(services, requester, params.roomIdOrAlias, query.via ?? query.server_name ?? [], body),
  ),
]

/** Whatever else the body holds goes into the member event. */
async function join(
  { joins, roomAliases, thirdPartyInvites }: Services,
  requester: Requester,
  room: RoomId | RoomAlias,
  servers: readonly ServerName[],
  { third_party_signed: signed, ...given }: BodyOf<typeof joinRoomById>,
): Promise<{ room_id: RoomId }> {
  const { roomId, servers: via } = await roomAliases.locate(room, servers)
  if (signed) {
    if (signed.mxid !== requester.userId) throw forbidden('The invite is for another user')
    await thirdPartyInvites.accept({ room_id: roomId, sender: signed.sender, signed })
  }
  await joins.join(requester, roomId, { via, given })
  return { room_id: roomId }
}
