import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, natural } from '../definitions.ts'
import { userId } from '../ids.ts'

const user = () => Type.Object({ userId: userId() })
const state = () => Type.Enum(['online', 'offline', 'unavailable'])

export const setPresence = clientEndpoint('PUT', '/_matrix/client/v3/presence/:userId/status', {
  auth: 'access-token',
  rateLimit: 'write',
  params: user(),
  body: Type.Object({ presence: state(), status_msg: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
  response: empty(),
})

export const getPresence = clientEndpoint('GET', '/_matrix/client/v3/presence/:userId/status', {
  auth: 'access-token',
  rateLimit: 'read',
  params: user(),
  response: Type.Object({
    presence: state(),
    last_active_ago: Type.Optional(natural()),
    status_msg: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    currently_active: Type.Optional(Type.Boolean()),
  }),
})
