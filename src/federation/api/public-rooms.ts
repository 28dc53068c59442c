import type { JsonObject } from '../../../schemas/json.ts'
import { getPublicRooms, queryPublicRooms } from '../../../schemas/server/public-rooms.ts'
import { forbidden } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { PublicRoomsQuery } from '../../rooms/remote.ts'

export interface PublicRoomsServices {
  /** A page of this server's published rooms, in the form in which clients get it. */
  readonly listPublicRooms: (query: PublicRoomsQuery) => Promise<JsonObject>
  /** `federation.allow_public_rooms` of the configuration. */
  readonly allowPublicRooms: boolean
}

export const publicRoomsRoutes = ({ listPublicRooms, allowPublicRooms }: PublicRoomsServices): Route[] => {
  const list = async (query: PublicRoomsQuery) => {
    if (!allowPublicRooms) throw forbidden('This server does not tell other servers which rooms are published')
    return rawJson(JSON.stringify(await listPublicRooms(query)))
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
