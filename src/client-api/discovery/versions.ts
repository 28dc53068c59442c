import { getVersions } from '../../../schemas/client/versions.ts'
import { respond } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'

const NEWEST_MINOR_VERSION = 18

const VERSIONS = Array.from({ length: NEWEST_MINOR_VERSION }, (_, index) => `v1.${index + 1}`)

/** Features under names from before they were in the specification. Only what is served is listed. */
const UNSTABLE_FEATURES = {
  // Sliding sync.
  'org.matrix.simplified_msc3575': true,
  // Sync over a WebSocket: docs/sync-socket.md.
  'chat.causeway.sync_socket': true,
  // Users may want no invites.
  'org.matrix.msc4380.stable': true,
  // Dehydrated devices.
  'org.matrix.msc3814': true,
  // Delayed events.
  'org.matrix.msc4140': true,
  // Where the media of calls go.
  'org.matrix.msc4143': true,
  // Profile fields of any name, and time zones.
  'uk.tcpip.msc4133': true,
  'uk.tcpip.msc4133.stable': true,
  'us.cloke.msc4175': true,
  'us.cloke.msc4175.stable': true,
}

export const versionsRoutes = (): Route[] => [
  route(getVersions, async () =>
    // MSC4026: what is offered may depend on who asks.
    respond(200, { versions: VERSIONS, unstable_features: UNSTABLE_FEATURES }, { Vary: 'Authorization' }),
  ),
]
