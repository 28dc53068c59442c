import type { Migration } from '../migrate.ts'
import { rooms } from './0001-rooms.ts'
import { accounts } from './0002-accounts.ts'
import { serverKeys } from './0003-server-keys.ts'
import { federation } from './0004-federation.ts'
import { userStreams } from './0005-user-streams.ts'
import { devices } from './0006-devices.ts'
import { relations } from './0007-relations.ts'
import { directories } from './0008-directories.ts'
import { threads } from './0009-threads.ts'
import { thirdPartyIds } from './0010-third-party-ids.ts'
import { ssoSessions } from './0011-sso-sessions.ts'
import { authCitations, fillAuthCitations } from './0012-auth-citations.ts'
import { delayedEvents } from './0013-delayed-events.ts'
import { threadSubscriptions } from './0014-thread-subscriptions.ts'
import { rateLimits } from './0015-rate-limits.ts'
import { dehydratedDevices } from './0016-dehydrated-devices.ts'
import { quotas } from './0017-quotas.ts'
import { partings } from './0018-partings.ts'
import { profileChanges } from './0019-profile-changes.ts'
import { aliasCreators } from './0020-alias-creators.ts'
import { noStatistics } from './0021-no-statistics.ts'
import { stickyEvents } from './0022-sticky-events.ts'
import { threadSubscribers } from './0023-thread-subscribers.ts'
import { stickySizes } from './0024-sticky-sizes.ts'

/** In order; a number is never reused and a released migration never edited. */
export const migrations: readonly Migration[] = [
  { number: 1, name: 'rooms', sql: rooms },
  { number: 2, name: 'accounts', sql: accounts },
  { number: 3, name: 'server keys', sql: serverKeys },
  { number: 4, name: 'federation', sql: federation },
  { number: 5, name: 'user streams', sql: userStreams },
  { number: 6, name: 'devices', sql: devices },
  { number: 7, name: 'relations and reports', sql: relations },
  { number: 8, name: 'directories', sql: directories },
  { number: 9, name: 'threads', sql: threads },
  { number: 10, name: 'third-party ids', sql: thirdPartyIds },
  { number: 11, name: 'single sign-on', sql: ssoSessions },
  { number: 12, name: 'auth citations', sql: authCitations, fill: fillAuthCitations },
  { number: 13, name: 'delayed events', sql: delayedEvents },
  { number: 14, name: 'thread subscriptions', sql: threadSubscriptions },
  { number: 15, name: 'rate limits', sql: rateLimits },
  { number: 16, name: 'dehydrated devices', sql: dehydratedDevices },
  { number: 17, name: 'quotas', sql: quotas },
  { number: 18, name: 'partings', sql: partings },
  { number: 19, name: 'profile changes', sql: profileChanges },
  { number: 20, name: 'alias creators', sql: aliasCreators },
  { number: 21, name: 'no statistics', sql: noStatistics },
  { number: 22, name: 'sticky events', sql: stickyEvents },
  { number: 23, name: 'thread subscribers', sql: threadSubscribers },
  { number: 24, name: 'sticky sizes', sql: stickySizes },
]
