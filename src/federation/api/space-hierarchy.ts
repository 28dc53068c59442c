import { getSpaceHierarchy } from '../../../schemas/server/space-hierarchy.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { InboundSpaces } from '../inbound/spaces.ts'

export interface SpaceHierarchyServices {
  readonly inboundSpaces: InboundSpaces
}

export const spaceHierarchyRoutes = ({ inboundSpaces }: SpaceHierarchyServices): Route[] => [
  route(getSpaceHierarchy, async ({ requester, params, query }) => {
    const { room, children, hidden } = await inboundSpaces.tell(requester.origin, params.roomId, query.suggested_only ?? false)
    return rawJson(JSON.stringify({ room, children, inaccessible_children: hidden }))
  }),
]
