import { setTyping } from '../../../schemas/client/typing.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoom } from '../../rooms/policy.ts'
import type { Typing } from '../../rooms/typing.ts'
import type { Rooms } from '../../storage/rooms.ts'
import { assertOwn } from '../own-user.ts'

export const typingRoutes = ({ typing, rooms }: { typing: Typing; rooms: Rooms }): Route[] => [
  route(setTyping, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    await typing.set(requester, await knownRoom(rooms, params.roomId), body.typing, body.timeout)
    return {}
  }),
]
