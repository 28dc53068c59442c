/** Rate limits of single users. The paths and forms are Synapse's, which its tools speak. */
import { Type } from 'typebox'
import { endpoint } from '../endpoint.ts'
import { userId } from '../ids.ts'

const PATH = '/_synapse/admin/v1/users/:userId/override_ratelimit'
const SPEC = 'https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#override-ratelimiting-for-users'

const params = Type.Object({ userId: userId() })
const limits = {
  messages_per_second: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
  burst_count: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
}

/** Empty where the user has no limits of their own. */
export const getRateLimits = endpoint('GET', PATH, {
  auth: 'admin',
  rateLimit: 'read',
  params,
  response: Type.Object(limits),
  spec: SPEC,
})

/** Both 0, as they are where they are not given: nothing limits the user. */
export const setRateLimits = endpoint('POST', PATH, {
  auth: 'admin',
  rateLimit: 'write',
  params,
  body: Type.Object(limits),
  bodyOptional: true,
  response: Type.Object(limits),
  spec: SPEC,
})

export const removeRateLimits = endpoint('DELETE', PATH, {
  auth: 'admin',
  rateLimit: 'write',
  params,
  response: Type.Object({}),
  spec: SPEC,
})
