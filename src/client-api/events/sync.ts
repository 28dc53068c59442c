import { sync } from '../../../schemas/client/sync.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, type Request, route } from '../../http/route.ts'
import { decodeToken } from '../../streams/position.ts'
import type { SyncFilters } from '../../sync/filters.ts'
import type { Sync } from '../../sync/long-poll.ts'
import type { StateMember } from '../../sync/request.ts'

/** No request waits for longer. */
const MAX_TIMEOUT_MS = 600_000

export const syncRoutes = (services: { sync: Sync; filters: SyncFilters }): Route[] => [
  route(sync, async (call) => {
    const { query, requester } = call
    const { userNid, userId, deviceNid } = requester
    const request = {
      reader: { userNid, userId, deviceNid },
      filter: await services.filters.resolve(userNid, query.filter),
      since: query.since === undefined ? undefined : decodeToken(query.since),
      fullState: query.full_state ?? false,
      stateMember: stateMemberOf(query),
      timeoutMs: Math.min(query.timeout ?? 0, MAX_TIMEOUT_MS),
      setPresence: query.set_presence ?? 'online',
    }
    return rawJson(await services.sync.sync(request, call))
  }),
]

export function stateMemberOf(
  query: Pick<Request<typeof sync>['query'], 'use_state_after' | 'org.matrix.msc4222.use_state_after'>,
): StateMember {
  if (query.use_state_after) return 'state_after'
  return query['org.matrix.msc4222.use_state_after'] ? 'org.matrix.msc4222.state_after' : 'state'
}
