import { getPresence, setPresence } from '../../../schemas/client/presence.ts'
import { type Route, route } from '../../http/route.ts'
import type { Presence } from '../../rooms/presence.ts'
import { assertOwn } from '../own-user.ts'

export const presenceRoutes = ({ presence }: { presence: Presence }): Route[] => [
  route(setPresence, async ({ requester, params, body }) => {
    assertOwn(requester, params.userId)
    await presence.set(requester, body.presence, body.status_msg ?? undefined)
    return {}
  }),

  route(getPresence, async ({ requester, params }) => {
    return { presence: 'offline' as const, ...(await presence.of(requester, params.userId)) }
  }),
]
