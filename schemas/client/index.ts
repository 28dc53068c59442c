/** Every endpoint of the client-server API that is declared, file by file in the order of the specification's own files. */
import type { Endpoint } from '../endpoint.ts'
import * as accountData from './account-data.ts'
import * as accountDeactivation from './account-deactivation.ts'
import * as admin from './admin.ts'
import * as administrativeContact from './administrative-contact.ts'
import * as appservicePing from './appservice-ping.ts'
import * as appserviceRoomDirectory from './appservice-room-directory.ts'
import * as authedContentRepo from './authed-content-repo.ts'
import * as banning from './banning.ts'
import * as capabilities from './capabilities.ts'
import * as contentRepo from './content-repo.ts'
import * as createRoom from './create-room.ts'
import * as crossSigning from './cross-signing.ts'
import * as dehydratedDevices from './dehydrated-devices.ts'
import * as delayedEvents from './delayed-events.ts'
import * as deviceManagement from './device-management.ts'
import * as directory from './directory.ts'
import * as eventContext from './event-context.ts'
import * as filter from './filter.ts'
import * as inviting from './inviting.ts'
import * as joining from './joining.ts'
import * as keyBackup from './key-backup.ts'
import * as keys from './keys.ts'
import * as kicking from './kicking.ts'
import * as knocking from './knocking.ts'
import * as leaving from './leaving.ts'
import * as listJoinedRooms from './list-joined-rooms.ts'
import * as listPublicRooms from './list-public-rooms.ts'
import * as loginToken from './login-token.ts'
import * as login from './login.ts'
import * as logout from './logout.ts'
import * as messagePagination from './message-pagination.ts'
import * as mutualRooms from './mutual-rooms.ts'
import * as notifications from './notifications.ts'
import * as oauthServerMetadata from './oauth-server-metadata.ts'
import * as oldSync from './old-sync.ts'
import * as openid from './openid.ts'
import * as passwordManagement from './password-management.ts'
import * as policyServer from './policy-server.ts'
import * as presence from './presence.ts'
import * as profile from './profile.ts'
import * as pusher from './pusher.ts'
import * as pushrules from './pushrules.ts'
import * as readMarkers from './read-markers.ts'
import * as receipts from './receipts.ts'
import * as redaction from './redaction.ts'
import * as refresh from './refresh.ts'
import * as registrationTokens from './registration-tokens.ts'
import * as registration from './registration.ts'
import * as relations from './relations.ts'
import * as reportContent from './report-content.ts'
import * as roomEventByTimestamp from './room-event-by-timestamp.ts'
import * as roomInitialSync from './room-initial-sync.ts'
import * as roomSend from './room-send.ts'
import * as roomState from './room-state.ts'
import * as roomSummary from './room-summary.ts'
import * as roomUpgrades from './room-upgrades.ts'
import * as rooms from './rooms.ts'
import * as rtc from './rtc.ts'
import * as search from './search.ts'
import * as slidingSync from './sliding-sync.ts'
import * as spaceHierarchy from './space-hierarchy.ts'
import * as ssoLoginRedirect from './sso-login-redirect.ts'
import * as support from './support.ts'
import * as sync from './sync.ts'
import * as syncSocket from './sync-socket.ts'
import * as tags from './tags.ts'
import * as thirdPartyLookup from './third-party-lookup.ts'
import * as threadSubscriptions from './thread-subscriptions.ts'
import * as threadsList from './threads-list.ts'
import * as toDevice from './to-device.ts'
import * as typing from './typing.ts'
import * as users from './users.ts'
import * as versions from './versions.ts'
import * as voip from './voip.ts'
import * as wellknown from './wellknown.ts'
import * as whoami from './whoami.ts'

export const clientEndpoints: readonly Endpoint[] = [
  accountData,
  accountDeactivation,
  admin,
  administrativeContact,
  appservicePing,
  appserviceRoomDirectory,
  authedContentRepo,
  banning,
  capabilities,
  contentRepo,
  createRoom,
  crossSigning,
  dehydratedDevices,
  delayedEvents,
  deviceManagement,
  directory,
  eventContext,
  filter,
  inviting,
  joining,
  keyBackup,
  keys,
  kicking,
  knocking,
  leaving,
  listJoinedRooms,
  listPublicRooms,
  loginToken,
  login,
  logout,
  messagePagination,
  mutualRooms,
  notifications,
  oauthServerMetadata,
  oldSync,
  openid,
  passwordManagement,
  policyServer,
  presence,
  profile,
  pusher,
  pushrules,
  readMarkers,
  receipts,
  redaction,
  refresh,
  registrationTokens,
  registration,
  relations,
  reportContent,
  roomEventByTimestamp,
  roomInitialSync,
  roomSend,
  roomState,
  roomSummary,
  roomUpgrades,
  rooms,
  rtc,
  search,
  slidingSync,
  spaceHierarchy,
  ssoLoginRedirect,
  support,
  sync,
  syncSocket,
  tags,
  thirdPartyLookup,
  threadSubscriptions,
  threadsList,
  toDevice,
  typing,
  users,
  versions,
  voip,
  wellknown,
  whoami,
].flatMap((api): Endpoint[] => Object.values(api))
