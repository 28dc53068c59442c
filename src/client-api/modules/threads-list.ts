import { getThreadRoots } from '../../../schemas/client/threads-list.ts'
import { invalidParam } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import type { ThreadList } from '../../rooms/thread-list.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'
import type { IgnoredUsers } from '../../users/ignored-users.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

interface Services {
  threadList: ThreadList
  clientEvents: ClientEvents
  ignoredUsers: IgnoredUsers
}

export const threadsListRoutes = ({ threadList, clientEvents, ignoredUsers }: Services): Route[] => [
  route(getThreadRoots, async ({ requester, params, query: { from, limit = DEFAULT_LIMIT, include } }) => {
    if (limit === 0) throw invalidParam('limit must be greater than zero')
    const start = from === undefined ? undefined : decodeToken(from)
    const isOwn = include === 'participated'
    const { roots, next } = await threadList.page(requester, params.roomId, start, Math.min(limit, MAX_LIMIT), isOwn)
    // If the thread root event was sent by an ignored user, the event is returned redacted to the caller.
    const redactedOf = await ignoredUsers.of(requester.userNid)
    const texts = await clientEvents.texts(roots, requester, { withRoomId: true, redactedOf })
    return rawJson(`{"chunk":[${texts.join(',')}]${next === undefined ? '' : `,"next_batch":"${encodeToken(next)}"`}}`)
  }),
]
