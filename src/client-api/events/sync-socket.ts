import { syncSocket } from '../../../schemas/client/sync-socket.ts'
import { type Route, route } from '../../http/route.ts'
import { SwitchingProtocols } from '../../http/web-socket.ts'
import { decodeToken } from '../../streams/position.ts'
import type { SyncFilters } from '../../sync/filters.ts'
import { CHECK_INTERVAL_MS } from '../../sync/socket.ts'
import type { SyncSockets } from '../../sync/sockets.ts'
import { stateMemberOf } from './sync.ts'

/** The subprotocol; another version would have another number. */
const PROTOCOL = 'chat.causeway.sync.v1'

export const syncSocketRoutes = (services: { syncSockets: SyncSockets; filters: SyncFilters }): Route[] => [
  route(syncSocket, async (call) => {
    const { query, requester } = call
    const { userNid, userId, deviceNid } = requester
    const request = {
      reader: { userNid, userId, deviceNid },
      filter: await services.filters.resolve(userNid, query.filter),
      since: query.since === undefined ? undefined : decodeToken(query.since),
      fullState: false,
      stateMember: stateMemberOf(query),
      timeoutMs: CHECK_INTERVAL_MS,
      setPresence: query.set_presence ?? 'online',
    }
    services.syncSockets.assertMayOpen(request.reader)
    const session = { request, authenticateAgain: () => call.authenticateAgain() }
    return new SwitchingProtocols(PROTOCOL, (port) => services.syncSockets.open(session, port))
  }),
]
