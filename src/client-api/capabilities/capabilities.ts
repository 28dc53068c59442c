import { getCapabilities } from '../../../schemas/client/capabilities.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoomVersions } from '../../protocol/room-versions.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation */
export const capabilitiesRoutes = (services: {
  defaultRoomVersion: string
  mayChangeAddresses: boolean
  delayedEventLimits: { readonly maxDelayMs: number; readonly maxScheduled: number }
}): Route[] => {
  const capabilities: JsonObject = {
    'm.room_versions': {
      default: services.defaultRoomVersion,
      available: Object.fromEntries(knownRoomVersions.map((version) => [version, 'stable'])),
    },
    'm.change_password': { enabled: true },
    'm.profile_fields': { enabled: true },
    'm.set_displayname': { enabled: true },
    'm.set_avatar_url': { enabled: true },
    'm.3pid_changes': { enabled: services.mayChangeAddresses },
    'm.get_login_token': { enabled: true },
    'm.forget_forced_upon_leave': { enabled: false },
    'org.matrix.msc4140.delayed_events': {
      max_delay_ms: services.delayedEventLimits.maxDelayMs,
      max_scheduled: services.delayedEventLimits.maxScheduled,
    },
  }
  return [route(getCapabilities, async () => ({ capabilities }))]
}
