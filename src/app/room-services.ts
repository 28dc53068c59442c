import type { ServerName } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { RoomAliases } from '../rooms/aliases.ts'
import { EventsByTimestamp } from '../rooms/by-timestamp.ts'
import { ClientSends } from '../rooms/client-sends.ts'
import { RoomCreation } from '../rooms/create.ts'
import { RoomDeactivation } from '../rooms/deactivate.ts'
import { DelayedEvents } from '../rooms/delayed-events.ts'
import { DelayedSender } from '../rooms/delayed-sender.ts'
import { RoomDirectory } from '../rooms/directory.ts'
import { History } from '../rooms/history.ts'
import { RoomContents } from '../rooms/members.ts'
import { Bans } from '../rooms/membership/ban.ts'
import { Invites } from '../rooms/membership/invite.ts'
import { Joins } from '../rooms/membership/join.ts'
import { Kicks } from '../rooms/membership/kick.ts'
import { Knocks } from '../rooms/membership/knock.ts'
import { Departures } from '../rooms/membership/leave.ts'
import { RestrictedJoins } from '../rooms/membership/restricted.ts'
import { MembershipSetting } from '../rooms/membership/set.ts'
import { OutOfBand } from '../rooms/out-of-band.ts'
import { RoomPreviews } from '../rooms/preview.ts'
import { ProfileChanges } from '../rooms/profile-changes.ts'
import { RelatedEvents } from '../rooms/relations.ts'
import { ContentReports } from '../rooms/reports.ts'
import type { RemoteRooms } from '../rooms/remote.ts'
import { RoomViews } from '../rooms/room-view.ts'
import { ThreadList } from '../rooms/thread-list.ts'
import { ThreadSubscriptions } from '../rooms/thread-subscriptions.ts'
import { StateAtPosition } from '../rooms/state-at-position.ts'
import { RoomSuccession } from '../rooms/succession.ts'
import { UnredactedEvents } from '../rooms/unredacted.ts'
import { RoomUpgrades } from '../rooms/upgrade.ts'
import type { PushRules } from '../users/push-rules.ts'
import type { RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'

export type RoomServices = ReturnType<typeof createRoomServices>

/** What clients, and federation for them, do with rooms. */
export function createRoomServices(
  config: Config,
  clock: Clock,
  storage: Storage,
  core: RoomCore,
  remote: RemoteRooms,
  pushRules: PushRules,
  logger?: Logger,
) {
  const { serverName } = config
  const common = { ...storage, ...core, serverName, clock, remote }
  const membership = createMembershipServices(common, pushRules)
  const { invites, departures, succession, membershipSetting } = membership
  const roomAliases = new RoomAliases({ ...common, requireMembership: config.rooms.requireMembershipForAliases })
  const stateAtPosition = new StateAtPosition(storage)
  const roomViews = new RoomViews({ ...common, stateAtPosition })
  const history = new History({ ...common, roomViews })
  const relatedEvents = new RelatedEvents({ ...common, roomViews, history })
  const roomPreviews = new RoomPreviews(core)
  const { defaultVersion, allowPublication, publicListWithoutAuth } = config.rooms
  const roomCreation = new RoomCreation({ ...common, invites, defaultVersion, allowPublication, logger })
  const clientSends = new ClientSends({ ...common, relatedEvents, roomAliases, membershipSetting })
  const delayedSender = new DelayedSender({ ...common, clientSends, logger })
  return {
    ...membership,
    roomAliases,
    stateAtPosition,
    roomViews,
    history,
    roomPreviews,
    publicListWithoutAuth,
    relatedEvents,
    unredactedEvents: new UnredactedEvents({ ...common, history }),
    threadSubscriptions: new ThreadSubscriptions({ ...common, history, pushRules }),
    threadList: new ThreadList({ ...common, roomViews }),
    contentReports: new ContentReports({ ...common, history }),
    eventsByTimestamp: new EventsByTimestamp({ ...common, roomViews, history }),
    roomContents: new RoomContents({ ...common, stateAtPosition, roomViews }),
    roomDirectory: new RoomDirectory({ ...common, stateAtPosition, roomPreviews, allowPublication }),
    profileChanges: new ProfileChanges(common),
    deactivation: new RoomDeactivation({ ...common, departures }),
    roomCreation,
    roomUpgrades: new RoomUpgrades({ ...common, roomCreation, succession }),
    clientSends,
    delayedSender,
    delayedEvents: new DelayedEvents({ ...common, clientSends, delayedSender, limits: config.delayedEvents }),
  }
}

type MembershipParts = Storage &
  RoomCore & { readonly serverName: ServerName; readonly clock: Clock; readonly remote: RemoteRooms }

/** How users come into rooms and out of them. */
function createMembershipServices(common: MembershipParts, pushRules: PushRules) {
  const outOfBand = new OutOfBand(common)
  const restricted = new RestrictedJoins(common)
  const invites = new Invites(common)
  const succession = new RoomSuccession({ ...common, pushRules })
  const joins = new Joins({ ...common, restricted, succession })
  const departures = new Departures({ ...common, outOfBand })
  const kicks = new Kicks(common)
  const bans = new Bans(common)
  const knocks = new Knocks({ ...common, outOfBand })
  return {
    outOfBand,
    restricted,
    invites,
    succession,
    joins,
    departures,
    kicks,
    bans,
    knocks,
    membershipSetting: new MembershipSetting({ ...common, invites, joins, departures, kicks, bans, knocks }),
  }
}
