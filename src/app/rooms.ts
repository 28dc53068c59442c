import type { ServerName } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { Aggregations } from '../rooms/aggregations.ts'
import { ClientEvents } from '../rooms/client-events.ts'
import { CrowdedRooms } from '../rooms/crowded-rooms.ts'
import type { GapLimits } from '../rooms/gap-budget.ts'
import { Erasures } from '../rooms/erasures.ts'
import { GapFiller } from '../rooms/gaps.ts'
import { GuestAccess } from '../rooms/guest-access.ts'
import { RoomHeads } from '../rooms/heads.ts'
import { Outliers } from '../rooms/outliers.ts'
import { EventWriter, type EventWriterParts } from '../rooms/persist.ts'
import { PolicyServers, type PolicySigner } from '../rooms/policy-servers.ts'
import { EventReceiver } from '../rooms/receive.ts'
import type { RemoteHistory } from '../rooms/remote-history.ts'
import { StateResolver } from '../rooms/resolve.ts'
import { EventSender } from '../rooms/send.ts'
import { StickyEvents } from '../rooms/sticky-events.ts'
import { IgnoredUsers } from '../users/ignored-users.ts'
import { InvitePermissions } from '../users/invite-permissions.ts'
import { StateAtPosition } from '../rooms/state-at-position.ts'
import { RoomStates } from '../rooms/state.ts'
import { Visibility } from '../rooms/visibility.ts'
import type { Storage } from './storage.ts'

export type RoomCore = ReturnType<typeof createRoomCore>

/** What every part of a server that has to do with rooms is built on. */
export function createRoomCore(
  serverName: ServerName,
  clock: Clock,
  storage: Storage,
  policySigner: PolicySigner,
  onAccepted?: EventWriterParts['onAccepted'],
) {
  const heads = new RoomHeads(storage.rooms, storage.events)
  const states = new RoomStates(storage.names, storage.events, storage.maps)
  const resolver = new StateResolver({ ...storage, states })
  const sticky = new StickyEvents({ ...storage, serverName, clock, heads, states })
  const writer = new EventWriter({ ...storage, serverName, heads, states, resolver, sticky, onAccepted })
  const erasures = new Erasures({ ...storage, states, stateAtPosition: new StateAtPosition(storage) })
  const ignoredUsers = new IgnoredUsers(storage)
  const aggregations = new Aggregations({ ...storage, ignoredUsers })
  const policyServers = new PolicyServers({ ...storage, heads, states, policySigner })
  const sender = new EventSender({ ...storage, serverName, clock, heads, states, resolver, writer, policyServers })
  return {
    aggregations,
    crowdedRooms: new CrowdedRooms({ ...storage, serverName, clock, heads, states, sender }),
    erasures,
    guests: new GuestAccess({ ...storage, serverName, heads, states, sender }),
    heads,
    ignoredUsers,
    invitePermissions: new InvitePermissions(storage),
    states,
    resolver,
    policyServers,
    writer,
    outliers: new Outliers({ ...storage, heads, writer }),
    sender,
    clientEvents: new ClientEvents({ ...storage, clock, aggregations, erasures }),
    visibility: new Visibility({ ...storage, states, ignoredUsers }),
  }
}

/** Receipt of events from other servers, once there is a way to ask those servers. */
export function createReceipt(clock: Clock, storage: Storage, core: RoomCore, history: RemoteHistory, limits?: GapLimits) {
  const gaps = new GapFiller({ ...storage, ...core, clock, history }, limits)
  return { gaps, receiver: new EventReceiver({ ...storage, ...core, clock, gaps }) }
}
