import { syncSocket } from '../../../schemas/client/sync-socket.ts'
import { type Route, route } from '../../http/route.ts'
import { SwitchingProtocols } from '../../http/web-socket.ts'
import type { SyncFilters } from '../../sync/filters.ts'
import { CHECK_INTERVAL_MS } from '../../sync/socket.ts'
import type { SyncSockets } from '../../sync/sockets.ts'
import { syncRequestOf } from './sync.ts'

/** The subprotocol; another version would have another number. */
const PROTOCOL = 'chat.causeway.sync.v1'

export const syncSocketRoutes = (services: { syncSockets: SyncSockets; filters: SyncFilters }): Route[] => [
  route(syncSocket, async (call) => {
    const request = { ...(await syncRequestOf(call, services.filters)), fullState: false, timeoutMs: CHECK_INTERVAL_MS }
    const { address, requester } = call
    const session = { request, address, deviceId: requester.deviceId, authenticateAgain: () => call.authenticateAgain() }
    services.syncSockets.assertMayOpen(session)
    return new SwitchingProtocols(PROTOCOL, (port) => services.syncSockets.open(session, port))
  }),
]
