import { setTyping } from '../../../schemas/client/typing.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoom } from '../../rooms/policy.ts'
import type { Presence } from '../../rooms/presence.ts'
import type { Typing } from '../../rooms/typing.ts'
import type { Rooms } from '../../storage/rooms.ts'
import { assertOwn } from '../own-user.ts'

interface Services {
  readonly typing: Typing
  readonly rooms: Rooms
  readonly presence: Pick<Presence, 'active'>
}

export const typingRoutes = ({ typing, rooms, presence }: Services): Route[] => [
  route(setTyping, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    if (body.typing) presence.active(requester)
    await typing.set(requester, await knownRoom(rooms, params.roomId), body.typing, body.timeout)
    return {}
  }),
]
