import { getPushers, postPusher } from '../../../schemas/client/pusher.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { UserPushers } from '../../users/pushers.ts'

export const pusherRoutes = ({ userPushers }: { userPushers: UserPushers }): Route[] => [
  route(getPushers, async ({ requester }) => rawJson(JSON.stringify({ pushers: await userPushers.list(requester) }))),

  route(postPusher, async ({ requester, body }) => {
    const { app_id: appId, pushkey, kind, append = false } = body
    await userPushers.set(requester, { appId, pushkey, kind, append, body: { ...body } })
    return {}
  }),
]
