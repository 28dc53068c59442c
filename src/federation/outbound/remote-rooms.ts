import type { RemoteRooms } from '../../rooms/remote.ts'
import type { Backfill } from './backfill.ts'
import type { RemoteDirectory } from './directory.ts'
import type { OutboundJoins } from './joins.ts'
import type { OutboundMemberships } from './memberships.ts'

export interface RemoteRoomsParts {
  joins: OutboundJoins
  memberships: OutboundMemberships
  directory: RemoteDirectory
  backfill: Backfill
}

/** The port through which rooms reach other servers. */
export function remoteRooms({ joins, memberships, directory, backfill }: RemoteRoomsParts): RemoteRooms {
  return {
    join: (membership) => joins.join(membership),
    knock: (membership) => memberships.knock(membership),
    leave: (membership) => memberships.leave(membership),
    invite: (room, event, stateRoot) => memberships.invite(room, event, stateRoot),
    resolveAlias: (alias) => directory.resolveAlias(alias),
    publicRooms: (server, query) => directory.publicRooms(server, query),
    backfill: (room, limit, edge) => backfill.fill(room, limit, edge),
    eventNear: (room, timestamp, direction) => backfill.eventNear(room, timestamp, direction),
  }
}
