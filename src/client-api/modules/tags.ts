import { deleteRoomTag, getRoomTags, setRoomTag } from '../../../schemas/client/tags.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoom } from '../../rooms/policy.ts'
import type { Tags } from '../../rooms/tags.ts'
import type { Rooms } from '../../storage/rooms.ts'
import { assertOwn } from '../own-user.ts'

export const tagRoutes = ({ tags, rooms }: { tags: Tags; rooms: Rooms }): Route[] => [
  route(getRoomTags, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    const room = await knownRoom(rooms, params.roomId)
    return { tags: (await tags.of(requester.userNid, room.nid)) as Record<string, JsonObject> }
  }),
  route(setRoomTag, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    const room = await knownRoom(rooms, params.roomId)
    await tags.set(requester.userNid, room.nid, params.tag, body as JsonObject)
    return {}
  }),
  route(deleteRoomTag, async ({ params, requester }) => {
    assertOwn(requester, params.userId)
    const room = await knownRoom(rooms, params.roomId)
    await tags.remove(requester.userNid, room.nid, params.tag)
    return {}
  }),
]
