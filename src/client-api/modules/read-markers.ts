import { setReadMarker } from '../../../schemas/client/read-markers.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoom } from '../../rooms/policy.ts'
import type { ReadMarkers } from '../../rooms/read-markers.ts'
import type { Receipts } from '../../rooms/receipts.ts'
import type { Rooms } from '../../storage/rooms.ts'

export const readMarkerRoutes = (services: { receipts: Receipts; readMarkers: ReadMarkers; rooms: Rooms }): Route[] => [
  route(setReadMarker, async ({ params, body, requester }) => {
    const { 'm.fully_read': fullyRead, 'm.read': read, 'm.read.private': readPrivately } = body
    const room = await knownRoom(services.rooms, params.roomId)
    if (fullyRead !== undefined) await services.readMarkers.set(requester, room, fullyRead)
    if (read !== undefined) await services.receipts.acknowledge(requester, room, 'm.read', read)
    if (readPrivately !== undefined) await services.receipts.acknowledge(requester, room, 'm.read.private', readPrivately)
    return {}
  }),
]
