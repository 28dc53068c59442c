import { deleteRoomTag, getRoomTags, setRoomTag } from '../../../schemas/client/tags.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Route, route } from '../../http/route.ts'
import { ownRoom } from '../../rooms/policy.ts'
import type { Tags } from '../../rooms/tags.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'
import { assertOwn } from '../own-user.ts'

interface Services {
  tags: Tags
  rooms: Rooms
  memberships: Memberships
}

export const tagRoutes = ({ tags, ...stores }: Services): Route[] => [
  route(getRoomTags, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    const room = await ownRoom(stores, params.roomId, requester.userNid)
    return { tags: (await tags.of(requester.userNid, room.nid)) as Record<string, JsonObject> }
  }),
  route(setRoomTag, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    const room = await ownRoom(stores, params.roomId, requester.userNid)
    await tags.set(requester.userNid, room.nid, params.tag, body as JsonObject)
    return {}
  }),
  route(deleteRoomTag, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    const room = await ownRoom(stores, params.roomId, requester.userNid)
    await tags.remove(requester.userNid, room.nid, params.tag)
    return {}
  }),
]
