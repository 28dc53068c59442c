import {
  getThreadSubscription,
  getThreadSubscriptions,
  subscribeToThread,
  unsubscribeFromThread,
} from '../../../schemas/client/thread-subscriptions.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import { MAX_CHANGES, type ThreadSubscriptions } from '../../rooms/thread-subscriptions.ts'
import type { Database } from '../../storage/database.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'

interface Services {
  db: Database
  threadSubscriptions: ThreadSubscriptions
}

export const threadSubscriptionsRoutes = ({ db, threadSubscriptions }: Services): Route[] => [
  route(getThreadSubscription, async ({ requester, params }) => ({
    automatic: (await threadSubscriptions.get(requester, params.roomId, params.eventId)).isAutomatic,
  })),
  route(subscribeToThread, async ({ requester, params, body }) => {
    await threadSubscriptions.subscribe(requester, params.roomId, params.eventId, body.automatic)
    return {}
  }),
  route(unsubscribeFromThread, async ({ requester, params }) => {
    await threadSubscriptions.unsubscribe(requester, params.roomId, params.eventId)
    return {}
  }),
  route(getThreadSubscriptions, async ({ requester, query: { from, to, limit = MAX_CHANGES } }) => {
    const range = { after: to === undefined ? 0 : decodeToken(to), upTo: from === undefined ? db.position : decodeToken(from) }
    const { next, ...changes } = await threadSubscriptions.changes(requester.userNid, range, limit)
    return rawJson(JSON.stringify({ ...changes, ...(next !== undefined && { end: encodeToken(next) }) }))
  }),
]
