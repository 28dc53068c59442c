import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { mapOf } from '../definitions.ts'
import type { JsonObject } from '../json.ts'

const enabled = () => Type.Optional(Type.Object({ enabled: Type.Boolean() }))

/** Others may stand beside those of the specification. */
const capabilities = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      'm.change_password': enabled(),
      'm.set_displayname': enabled(),
      'm.set_avatar_url': enabled(),
      'm.3pid_changes': enabled(),
      'm.get_login_token': enabled(),
      'm.forget_forced_upon_leave': enabled(),
      'm.room_versions': Type.Optional(
        Type.Object({ default: Type.String(), available: mapOf(Type.Enum(['stable', 'unstable'])) }),
      ),
      'm.profile_fields': Type.Optional(
        Type.Object({
          enabled: Type.Boolean(),
          allowed: Type.Optional(Type.Array(Type.String())),
          disallowed: Type.Optional(Type.Array(Type.String())),
        }),
      ),
      'm.account_moderation': Type.Optional(
        Type.Object({ suspend: Type.Optional(Type.Boolean()), lock: Type.Optional(Type.Boolean()) }),
      ),
    }),
  )

export const getCapabilities = clientEndpoint('GET', '/_matrix/client/v3/capabilities', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  response: Type.Object({ capabilities: capabilities() }),
})
