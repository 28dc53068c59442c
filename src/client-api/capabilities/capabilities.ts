import { getCapabilities } from '../../../schemas/client/capabilities.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import type { Requester } from '../../core/requester.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoomVersions } from '../../protocol/room-versions.ts'

interface Services {
  readonly defaultRoomVersion: string
  readonly mayChangeAddresses: boolean
  readonly delayedEventLimits: { readonly maxDelayMs: number; readonly maxScheduled: number }
}

export const capabilitiesRoutes = (services: Services): Route[] => [
  route(getCapabilities, async ({ requester }) => ({ capabilities: capabilitiesOf(services, requester) })),
]

/** https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation */
function capabilitiesOf(services: Services, { isAdmin }: Requester): JsonObject {
  const { defaultRoomVersion, mayChangeAddresses, delayedEventLimits } = services
  const { maxDelayMs, maxScheduled } = delayedEventLimits
  return {
    'm.room_versions': {
      default: defaultRoomVersion,
      available: Object.fromEntries(knownRoomVersions.map((version) => [version, 'stable'])),
    },
    'm.change_password': { enabled: true },
    'm.profile_fields': { enabled: true },
    'm.set_displayname': { enabled: true },
    'm.set_avatar_url': { enabled: true },
    'm.3pid_changes': { enabled: mayChangeAddresses },
    'm.get_login_token': { enabled: true },
    'm.forget_forced_upon_leave': { enabled: false },
    // Left out altogether for whom both would be false.
    ...(isAdmin && { 'm.account_moderation': { suspend: true, lock: true } }),
    'org.matrix.msc4140.delayed_events': { max_delay_ms: maxDelayMs, max_scheduled: maxScheduled },
  }
}
