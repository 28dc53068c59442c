import type { JsonObject } from '../../../schemas/json.ts'
import type { ResponseOf } from '../../../schemas/endpoint.ts'
import { getPublicRooms, queryPublicRooms } from '../../../schemas/server/public-rooms.ts'
import { forbidden } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import type { PublicRoomsQuery } from '../../rooms/remote.ts'

export interface PublicRoomsServices {
  /** A page of this server's published rooms. */
  readonly listPublicRooms: (query: PublicRoomsQuery) => Promise<ResponseOf<typeof getPublicRooms>>
  /** `federation.allow_public_rooms` of the configuration. */
  readonly allowPublicRooms: boolean
}

export const publicRoomsRoutes = ({ listPublicRooms, allowPublicRooms }: PublicRoomsServices): Route[] => {
  const list = (query: PublicRoomsQuery) => {
    if (!allowPublicRooms) throw forbidden('This server does not tell other servers which rooms are published')
    return listPublicRooms(query)
  }
  return [
    route(getPublicRooms, async ({ query }) => list(pageOf(query))),
    route(queryPublicRooms, async ({ body: { filter, ...page } }) =>
      list({ ...pageOf(page), ...(filter && { filter: filter satisfies JsonObject }) }),
    ),
  ]
}

function pageOf({ limit, since }: { limit?: number; since?: string | null }): PublicRoomsQuery {
  return { ...(limit !== undefined && { limit }), ...(typeof since === 'string' && { since }) }
}
