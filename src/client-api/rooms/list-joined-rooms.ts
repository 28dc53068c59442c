import { getJoinedRooms } from '../../../schemas/client/list-joined-rooms.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomContents } from '../../rooms/members.ts'

export const listJoinedRoomsRoutes = ({ roomContents }: { roomContents: RoomContents }): Route[] => [
  route(getJoinedRooms, async ({ requester }) => ({ joined_rooms: await roomContents.joinedRooms(requester) })),
]
