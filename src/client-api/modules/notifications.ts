import { getNotifications } from '../../../schemas/client/notifications.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import type { Notifications } from '../../rooms/notifications.ts'
import type { Database } from '../../storage/database.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

interface Services {
  db: Database
  notifications: Notifications
  clientEvents: ClientEvents
}

export const notificationsRoutes = ({ db, notifications: all, clientEvents }: Services): Route[] => [
  route(getNotifications, async ({ requester, query: { from, limit = DEFAULT_LIMIT, only } }) => {
    const { notifications, next } = await all.page(requester, {
      upTo: from === undefined ? db.position : decodeToken(from),
      limit: Math.min(Math.max(limit, 1), MAX_LIMIT),
      highlightsOnly: only === 'highlight',
    })
    const events = notifications.map(({ event }) => event)
    const texts = await clientEvents.texts(events, requester, { withRoomId: false })
    const chunk = notifications.map(({ event, actions, isRead }, index) => {
      const { room, head } = event
      // Profile tags are of pushers; clients want the member all the same.
      const about = { room_id: room.roomId, actions, read: isRead, ts: head.originServerTs, profile_tag: null }
      return `${JSON.stringify(about).slice(0, -1)},"event":${texts[index]}}`
    })
    return rawJson(`{"notifications":[${chunk.join(',')}]${next === undefined ? '' : `,"next_token":"${encodeToken(next)}"`}}`)
  }),
]
