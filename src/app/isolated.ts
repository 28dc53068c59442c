/** The ports to other servers of a server that talks to none. */
import { MatrixError, notFound } from '../core/errors.ts'
import type { RemoteHistory } from '../rooms/remote-history.ts'
import type { RemoteRooms } from '../rooms/remote.ts'
import type { RemoteProfiles } from '../users/profile.ts'

const isolated = () => Promise.reject(new MatrixError(403, 'M_FORBIDDEN', 'This server does not talk to other servers'))

export const isolatedRooms: RemoteRooms = {
  join: isolated,
  knock: isolated,
  leave: isolated,
  invite: isolated,
  resolveAlias: async () => undefined,
  publicRooms: isolated,
  backfill: async () => false,
  eventNear: async () => undefined,
}

export const isolatedHistory: RemoteHistory = {
  missingEvents: async () => undefined,
  stateIds: async () => undefined,
  events: async () => [],
  authChain: async () => undefined,
  backfill: async () => undefined,
}

export const isolatedProfiles: RemoteProfiles = {
  query: () => Promise.reject(notFound('This server does not talk to other servers')),
}
