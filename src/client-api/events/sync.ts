import { sync } from '../../../schemas/client/sync.ts'
import type { Requester } from '../../core/requester.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, type Request, route } from '../../http/route.ts'
import { decodeToken } from '../../streams/position.ts'
import type { SyncFilters } from '../../sync/filters.ts'
import type { Sync } from '../../sync/long-poll.ts'
import type { StateMember, SyncRequest } from '../../sync/request.ts'

/** No request waits for longer. */
const MAX_TIMEOUT_MS = 600_000

export const syncRoutes = (services: { sync: Sync; filters: SyncFilters }): Route[] => [
  route(sync, async (call) => {
    const { timeout = 0, full_state: fullState = false } = call.query
    const common = await syncRequestOf(call, services.filters)
    return rawJson(await services.sync.sync({ ...common, fullState, timeoutMs: Math.min(timeout, MAX_TIMEOUT_MS) }, call))
  }),
]

type SyncQuery = Pick<
  Request<typeof sync>['query'],
  'filter' | 'since' | 'set_presence' | 'use_state_after' | 'org.matrix.msc4222.use_state_after'
>

/** What all ways to sync ask for. Throws for a filter or a token that makes no sense. */
export async function syncRequestOf(
  { query, requester }: { readonly query: SyncQuery; readonly requester: Requester },
  filters: SyncFilters,
): Promise<Omit<SyncRequest, 'fullState' | 'timeoutMs'>> {
  const { userNid, userId, deviceNid } = requester
  return {
    reader: { userNid, userId, deviceNid },
    filter: await filters.resolve(userNid, query.filter),
    since: query.since === undefined ? undefined : decodeToken(query.since),
    stateMember: stateMemberOf(query),
    setPresence: query.set_presence ?? 'online',
  }
}

function stateMemberOf(
  query: Pick<Request<typeof sync>['query'], 'use_state_after' | 'org.matrix.msc4222.use_state_after'>,
): StateMember {
  // Who asks for both names may read the unstable one only; who reads the stable one asks for nothing else.
  if (query['org.matrix.msc4222.use_state_after']) return 'org.matrix.msc4222.state_after'
  return query.use_state_after ? 'state_after' : 'state'
}
