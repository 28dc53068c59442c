import { defineFilter, getFilter } from '../../../schemas/client/filter.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { type Route, route } from '../../http/route.ts'
import type { SyncFilters } from '../../sync/filters.ts'
import { assertOwn } from '../own-user.ts'

export const filterRoutes = (services: { filters: SyncFilters }): Route[] => [
  route(defineFilter, async ({ params, body, requester }) => {
    assertOwn(requester, params.userId)
    return { filter_id: await services.filters.define(requester.userNid, body as JsonObject) }
  }),
  route(getFilter, ({ params, requester }) => {
    assertOwn(requester, params.userId)
    return services.filters.get(requester.userNid, params.filterId)
  }),
]
