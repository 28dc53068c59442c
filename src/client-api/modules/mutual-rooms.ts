import { getMutualRooms } from '../../../schemas/client/mutual-rooms.ts'
import { invalidParam } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomContents } from '../../rooms/members.ts'
import type { Names } from '../../storage/names.ts'

const MAX_PAGE = 100

interface Services {
  names: Names
  roomContents: RoomContents
}

/** https://spec.matrix.org/v1.19/client-server-api/#mutual-rooms */
export const mutualRoomsRoutes = ({ names, roomContents }: Services): Route[] => [
  route(getMutualRooms, async ({ requester, query }) => {
    const { user_id: userId, from = query.batch_token } = query
    if (userId === requester.userId) throw invalidParam('You share all of your rooms with yourself')
    if (from !== undefined && !/^[0-9]{1,6}$/.test(from)) throw invalidParam('The token is unknown')
    const userNid = await names.find(userId)
    const theirs = new Set(userNid === undefined ? [] : await roomContents.joinedRooms({ userNid, userId }))
    const shared = (await roomContents.joinedRooms(requester)).filter((roomId) => theirs.has(roomId)).sort()
    const start = Number(from ?? 0)
    const end = start + MAX_PAGE
    const more = end < shared.length ? { next_batch: String(end) } : {}
    return { joined: shared.slice(start, end), count: shared.length, ...more }
  }),
]
