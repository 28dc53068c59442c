import {
  getPublicRooms,
  getRoomVisibilityOnDirectory,
  queryPublicRooms,
  setRoomVisibilityOnDirectory,
} from '../../../schemas/client/list-public-rooms.ts'
import { missingToken } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomDirectory } from '../../rooms/directory.ts'

interface Services {
  roomDirectory: RoomDirectory
  /** Clients may read the list without a token. */
  publicListWithoutAuth: boolean
}

export const listPublicRoomsRoutes = ({ roomDirectory, publicListWithoutAuth }: Services): Route[] => [
  route(getRoomVisibilityOnDirectory, async ({ params }) => {
    const visibility = (await roomDirectory.isPublished(params.roomId)) ? ('public' as const) : ('private' as const)
    return { visibility }
  }),

  route(setRoomVisibilityOnDirectory, async ({ requester, params, body: { visibility = 'public' } }) => {
    await roomDirectory.setPublished(requester, params.roomId, visibility === 'public')
    return {}
  }),

  route(getPublicRooms, async ({ requester, query: { server, limit, since } }) => {
    if (requester === undefined && !publicListWithoutAuth) throw missingToken()
    const page = await roomDirectory.publicRooms(server, {
      ...(limit !== undefined && { limit }),
      ...(since !== undefined && { since }),
    })
    return rawJson(JSON.stringify(page))
  }),

  route(queryPublicRooms, async ({ query: { server }, body }) => {
    const page = await roomDirectory.publicRooms(server, {
      ...(body.limit !== undefined && { limit: body.limit }),
      ...(typeof body.since === 'string' && { since: body.since }),
      ...(body.filter !== undefined && { filter: body.filter }),
      ...(body.include_all_networks !== undefined && { includeAllNetworks: body.include_all_networks }),
      ...(typeof body.third_party_instance_id === 'string' && { thirdPartyInstanceId: body.third_party_instance_id }),
    })
    return rawJson(JSON.stringify(page))
  }),
]
