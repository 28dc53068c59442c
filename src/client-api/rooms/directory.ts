import { deleteRoomAlias, getLocalAliases, getRoomIdByAlias, setRoomAlias } from '../../../schemas/client/directory.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomAliases } from '../../rooms/aliases.ts'
import type { RoomViews } from '../../rooms/room-view.ts'

interface Services {
  roomAliases: RoomAliases
  roomViews: RoomViews
}

export const directoryRoutes = ({ roomAliases, roomViews }: Services): Route[] => [
  route(setRoomAlias, async ({ requester, params, body }) => {
    await roomAliases.add(requester, params.roomAlias, body.room_id)
    return {}
  }),

  route(getRoomIdByAlias, async ({ params }) => {
    const { roomId, servers } = await roomAliases.resolve(params.roomAlias)
    return { room_id: roomId, servers: [...servers] }
  }),

  route(deleteRoomAlias, async ({ requester, params }) => {
    await roomAliases.remove(requester, params.roomAlias)
    return {}
  }),

  route(getLocalAliases, async ({ requester, params }) => {
    const { room } = await roomViews.ofPresent(requester, params.roomId)
    return { aliases: await roomAliases.ofRoom(room) }
  }),
]
