import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { mapOf, natural } from '../definitions.ts'
import { userId } from '../ids.ts'

const user = () => Type.Object({ userId: userId() })
const suspended = () => Type.Object({ suspended: Type.Boolean() })
const locked = () => Type.Object({ locked: Type.Boolean() })

/** When and from where a device was last seen. */
const session = () =>
  Type.Object({
    connections: Type.Array(
      Type.Object({
        ip: Type.Optional(Type.String()),
        last_seen: Type.Optional(natural()),
        user_agent: Type.Optional(Type.String()),
      }),
    ),
  })

const SUSPEND = '/_matrix/client/v1/admin/suspend/:userId'
const LOCK = '/_matrix/client/v1/admin/lock/:userId'
const SUSPEND_BEFORE_1_18 = ['/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/:userId']
const LOCK_BEFORE_1_18 = ['/_matrix/client/unstable/uk.timedout.msc4323/admin/lock/:userId']

/** Users may ask about themselves, server admins about everybody. */
export const getWhoIs = clientEndpoint('GET', '/_matrix/client/v3/admin/whois/:userId', {
  auth: 'access-token',
  rateLimit: 'read',
  params: user(),
  response: Type.Object({ user_id: userId(), devices: mapOf(Type.Object({ sessions: Type.Array(session()) })) }),
})

export const getAdminSuspendUser = clientEndpoint('GET', SUSPEND, {
  alsoAt: SUSPEND_BEFORE_1_18,
  auth: 'admin',
  rateLimit: 'read',
  params: user(),
  response: suspended(),
})

export const setAdminSuspendUser = clientEndpoint('PUT', SUSPEND, {
  alsoAt: SUSPEND_BEFORE_1_18,
  auth: 'admin',
  rateLimit: 'write',
  params: user(),
  body: suspended(),
  response: suspended(),
})

export const getAdminLockUser = clientEndpoint('GET', LOCK, {
  alsoAt: LOCK_BEFORE_1_18,
  auth: 'admin',
  rateLimit: 'read',
  params: user(),
  response: locked(),
})

export const setAdminLockUser = clientEndpoint('PUT', LOCK, {
  alsoAt: LOCK_BEFORE_1_18,
  auth: 'admin',
  rateLimit: 'write',
  params: user(),
  body: locked(),
  response: locked(),
})
