import { getSpaceHierarchy } from '../../../schemas/client/space-hierarchy.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { Spaces } from '../../rooms/spaces.ts'

const DEFAULT_LIMIT = 50

export const spaceHierarchyRoutes = ({ spaces }: { spaces: Spaces }): Route[] => [
  route(getSpaceHierarchy, async ({ requester, params, query }) => {
    const page = await spaces.hierarchy(requester, params.roomId, {
      suggestedOnly: query.suggested_only ?? false,
      maxDepth: query.max_depth ?? Infinity,
      limit: query.limit ?? DEFAULT_LIMIT,
      from: query.from,
    })
    return rawJson(JSON.stringify(page))
  }),
]
