import { getVersions } from '../../../schemas/client/versions.ts'
import { respond } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'

const NEWEST_MINOR_VERSION = 19

const VERSIONS = Array.from({ length: NEWEST_MINOR_VERSION }, (_, index) => `v1.${index + 1}`)

/** Features under names from before they were in the specification. Only what is served is listed. */
const UNSTABLE_FEATURES = [
  // Sliding sync.
  'org.matrix.simplified_msc3575',
  // Sync over a WebSocket: docs/sync-socket.md.
  'chat.causeway.sync_socket',
  // State after the timeline in /sync.
  'org.matrix.msc4222',
  // Users may want no invites, or only some.
  'org.matrix.msc4380.stable',
  'org.matrix.msc4155',
  // Dehydrated devices.
  'org.matrix.msc3814',
  // Sticky events.
  'org.matrix.msc4354',
  // Policy servers.
  'org.matrix.msc4284',
  // Delayed events.
  'org.matrix.msc4140',
  // Where the media of calls go.
  'org.matrix.msc4143',
  // Profile fields of any name, and time zones.
  'uk.tcpip.msc4133',
  'uk.tcpip.msc4133.stable',
  'us.cloke.msc4175',
  'us.cloke.msc4175.stable',
  // Changes of profiles in /sync and in sliding sync.
  'org.matrix.msc4429',
  'org.matrix.msc4262',
  // Threads: relations, receipts, unread counts, lists; private read receipts.
  'org.matrix.msc3440.stable',
  'org.matrix.msc3771',
  'org.matrix.msc3773',
  'org.matrix.msc3856.stable',
  'org.matrix.msc2285.stable',
  // Subscriptions to threads, and the push rules that ask for them.
  'org.matrix.msc4306',
  // Relations: forwards as well as backwards, and recursively.
  'org.matrix.msc3715.stable',
  'org.matrix.msc3981',
  // Room directories that are asked for spaces.
  'org.matrix.msc3827.stable',
  // Jumping to a date.
  'org.matrix.msc3030',
  // Fully read markers that move back.
  'com.beeper.msc4446',
  // Pushers that another device silences.
  'org.matrix.msc3881',
  // A rule that pushes all that is encrypted, for clients that enable it.
  'org.matrix.msc4028',
  // Redactions that take related events with them.
  'org.matrix.msc3912',
  // Moderators read what is redacted.
  'fi.mau.msc2815',
  // Account data that is deleted.
  'org.matrix.msc3391',
  // A session makes a token for another one to log in with.
  'org.matrix.msc3882',
  'uk.half-shot.msc2666.query_mutual_rooms',
  'uk.half-shot.msc2666.query_mutual_rooms.stable',
  // Suspending and locking of accounts.
  'uk.timedout.msc4323',
  'org.matrix.e2e_cross_signing',
  // Redactions that are sent as other events are.
  'com.beeper.msc4169',
]

const FEATURES = Object.fromEntries(UNSTABLE_FEATURES.map((feature) => [feature, true]))

export const versionsRoutes = (): Route[] => [
  route(getVersions, async () =>
    // MSC4026: what is offered may depend on who asks.
    respond(200, { versions: VERSIONS, unstable_features: FEATURES }, { Vary: 'Authorization' }),
  ),
]
