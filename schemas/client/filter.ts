import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { filter } from '../filters.ts'
import { userId } from '../ids.ts'
import type { JsonObject } from '../json.ts'

export const defineFilter = clientEndpoint('POST', '/_matrix/client/v3/user/:userId/filter', {
  auth: 'access-token',
  rateLimit: 'write',
  params: Type.Object({ userId: userId() }),
  body: filter(),
  response: Type.Object({ filter_id: Type.String() }),
})

export const getFilter = clientEndpoint('GET', '/_matrix/client/v3/user/:userId/filter/:filterId', {
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ userId: userId(), filterId: Type.String() }),
  response: Type.Unsafe<JsonObject>(filter()),
})
