/** The table of all routes of the client-server API. */
import type { Route } from '../http/route.ts'
import { accountDeactivationRoutes } from './auth/account-deactivation.ts'
import { administrativeContactRoutes } from './auth/administrative-contact.ts'
import { authFallbackRoutes } from './auth/auth-fallback.ts'
import { emailValidationRoutes } from './auth/email-validation.ts'
import { loginTokenRoutes } from './auth/login-token.ts'
import { clientFallbackRoutes } from './auth/client-fallback.ts'
import { loginRoutes } from './auth/login.ts'
import { logoutRoutes } from './auth/logout.ts'
import { passwordManagementRoutes } from './auth/password-management.ts'
import { refreshRoutes } from './auth/refresh.ts'
import { registrationTokensRoutes } from './auth/registration-tokens.ts'
import { registrationRoutes } from './auth/registration.ts'
import { ssoLoginRedirectRoutes } from './auth/sso-login-redirect.ts'
import { whoamiRoutes } from './auth/whoami.ts'
import { capabilitiesRoutes } from './capabilities/capabilities.ts'
import { supportRoutes } from './discovery/support.ts'
import { versionsRoutes } from './discovery/versions.ts'
import { wellknownRoutes } from './discovery/wellknown.ts'
import { delayedEventsRoutes } from './events/delayed-events.ts'
import { messagePaginationRoutes } from './events/message-pagination.ts'
import { redactionRoutes } from './events/redaction.ts'
import { relationsRoutes } from './events/relations.ts'
import { roomEventByTimestampRoutes } from './events/room-event-by-timestamp.ts'
import { roomSendRoutes } from './events/room-send.ts'
import { roomStateRoutes } from './events/room-state.ts'
import { roomsRoutes } from './events/rooms.ts'
import { oldSyncRoutes } from './events/old-sync.ts'
import { slidingSyncRoutes } from './events/sliding-sync.ts'
import { syncRoutes } from './events/sync.ts'
import { syncSocketRoutes } from './events/sync-socket.ts'
import { filterRoutes } from './filtering/filter.ts'
import { accountDataRoutes } from './modules/account-data.ts'
import { crossSigningRoutes } from './modules/cross-signing.ts'
import { adminRoutes } from './modules/admin.ts'
import { dehydratedDevicesRoutes } from './modules/dehydrated-devices.ts'
import { deviceManagementRoutes } from './modules/device-management.ts'
import { keyBackupRoutes } from './modules/key-backup.ts'
import { keysRoutes } from './modules/keys.ts'
import { toDeviceRoutes } from './modules/to-device.ts'
import { eventContextRoutes } from './modules/event-context.ts'
import { mutualRoomsRoutes } from './modules/mutual-rooms.ts'
import { notificationsRoutes } from './modules/notifications.ts'
import { openIdRoutes } from './modules/openid.ts'
import { presenceRoutes } from './modules/presence.ts'
import { pusherRoutes } from './modules/pusher.ts'
import { pushRuleRoutes } from './modules/pushrules.ts'
import { readMarkerRoutes } from './modules/read-markers.ts'
import { receiptRoutes } from './modules/receipts.ts'
import { rtcRoutes } from './modules/rtc.ts'
import { searchRoutes } from './modules/search.ts'
import { spaceHierarchyRoutes } from './modules/space-hierarchy.ts'
import { tagRoutes } from './modules/tags.ts'
import { threadSubscriptionsRoutes } from './modules/thread-subscriptions.ts'
import { threadsListRoutes } from './modules/threads-list.ts'
import { thirdPartyLookupRoutes } from './modules/third-party-lookup.ts'
import { typingRoutes } from './modules/typing.ts'
import { reportContentRoutes } from './modules/report-content.ts'
import { roomUpgradesRoutes } from './modules/room-upgrades.ts'
import { banningRoutes } from './rooms/banning.ts'
import { createRoomRoutes } from './rooms/create-room.ts'
import { directoryRoutes } from './rooms/directory.ts'
import { invitingRoutes } from './rooms/inviting.ts'
import { joiningRoutes } from './rooms/joining.ts'
import { kickingRoutes } from './rooms/kicking.ts'
import { knockingRoutes } from './rooms/knocking.ts'
import { leavingRoutes } from './rooms/leaving.ts'
import { listJoinedRoomsRoutes } from './rooms/list-joined-rooms.ts'
import { listPublicRoomsRoutes } from './rooms/list-public-rooms.ts'
import { roomSummaryRoutes } from './rooms/room-summary.ts'
import { voipRoutes } from './modules/voip.ts'
import { userDirectoryRoutes } from './user-data/users.ts'
import { profileRoutes } from './user-data/profile.ts'

const roomTables = [
  banningRoutes,
  createRoomRoutes,
  delayedEventsRoutes,
  directoryRoutes,
  eventContextRoutes,
  invitingRoutes,
  joiningRoutes,
  kickingRoutes,
  knockingRoutes,
  leavingRoutes,
  listJoinedRoomsRoutes,
  listPublicRoomsRoutes,
  messagePaginationRoutes,
  redactionRoutes,
  relationsRoutes,
  reportContentRoutes,
  roomEventByTimestampRoutes,
  roomSendRoutes,
  roomStateRoutes,
  roomUpgradesRoutes,
  roomsRoutes,
] as const

const accountTables = [
  accountDeactivationRoutes,
  adminRoutes,
  administrativeContactRoutes,
  authFallbackRoutes,
  capabilitiesRoutes,
  deviceManagementRoutes,
  emailValidationRoutes,
  clientFallbackRoutes,
  loginRoutes,
  loginTokenRoutes,
  logoutRoutes,
  mutualRoomsRoutes,
  notificationsRoutes,
  openIdRoutes,
  passwordManagementRoutes,
  profileRoutes,
  pusherRoutes,
  refreshRoutes,
  registrationRoutes,
  registrationTokensRoutes,
  roomSummaryRoutes,
  rtcRoutes,
  searchRoutes,
  threadSubscriptionsRoutes,
  threadsListRoutes,
  spaceHierarchyRoutes,
  ssoLoginRedirectRoutes,
  supportRoutes,
  thirdPartyLookupRoutes,
  userDirectoryRoutes,
  versionsRoutes,
  voipRoutes,
  wellknownRoutes,
  whoamiRoutes,
] as const

const streamTables = [
  accountDataRoutes,
  filterRoutes,
  oldSyncRoutes,
  presenceRoutes,
  pushRuleRoutes,
  readMarkerRoutes,
  receiptRoutes,
  slidingSyncRoutes,
  syncRoutes,
  syncSocketRoutes,
  tagRoutes,
  typingRoutes,
] as const

const deviceTables = [crossSigningRoutes, dehydratedDevicesRoutes, keyBackupRoutes, keysRoutes, toDeviceRoutes] as const

const tables = [...deviceTables, ...accountTables, ...roomTables, ...streamTables] as const

type AllOf<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer All) => void ? All : never

/** What all handlers together use. */
export type ClientServices = AllOf<NonNullable<Parameters<(typeof tables)[number]>[0]>>

export const clientRoutes = (services: ClientServices): Route[] => tables.flatMap((routesOf) => routesOf(services))

/** Those that have to do with rooms, for tests of them alone. */
export const roomRoutes = (services: AllOf<Parameters<(typeof roomTables)[number]>[0]>): Route[] =>
  roomTables.flatMap((routesOf) => routesOf(services))
