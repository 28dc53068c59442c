import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { integer, jsonObject, mapOf, natural } from '../definitions.ts'

const events = () => Type.Object({ events: Type.Optional(Type.Array(jsonObject())) })

const rooms = () =>
  Type.Object({
    join: Type.Optional(mapOf(jsonObject())),
    invite: Type.Optional(mapOf(jsonObject())),
    knock: Type.Optional(mapOf(jsonObject())),
    leave: Type.Optional(mapOf(jsonObject())),
  })

export const sync = clientEndpoint('GET', '/_matrix/client/v3/sync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  query: Type.Object({
    /** A filter's ID, or a filter as JSON. */
    filter: Type.Optional(Type.String()),
    since: Type.Optional(Type.String()),
    full_state: Type.Optional(Type.Boolean()),
    set_presence: Type.Optional(Type.Enum(['offline', 'online', 'unavailable'])),
    timeout: Type.Optional(natural()),
    use_state_after: Type.Optional(Type.Boolean()),
    /** The name that clients from before Matrix 1.16 use. */
    'org.matrix.msc4222.use_state_after': Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    next_batch: Type.String(),
    rooms: Type.Optional(rooms()),
    presence: Type.Optional(events()),
    account_data: Type.Optional(events()),
    to_device: Type.Optional(events()),
    device_lists: Type.Optional(
      Type.Object({ changed: Type.Optional(Type.Array(Type.String())), left: Type.Optional(Type.Array(Type.String())) }),
    ),
    device_one_time_keys_count: Type.Optional(mapOf(integer())),
    device_unused_fallback_key_types: Type.Optional(Type.Array(Type.String())),
  }),
})
