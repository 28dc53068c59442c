import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { deviceId, userId } from '../ids.ts'

export const getTokenOwner = clientEndpoint('GET', '/_matrix/client/v3/account/whoami', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Object({ user_id: userId(), device_id: Type.Optional(deviceId()), is_guest: Type.Optional(Type.Boolean()) }),
})
