import { setReadMarker } from '../../../schemas/client/read-markers.ts'
import { type Route, route } from '../../http/route.ts'
import { ownRoom } from '../../rooms/policy.ts'
import type { Presence } from '../../rooms/presence.ts'
import type { ReadMarkers } from '../../rooms/read-markers.ts'
import type { Receipts } from '../../rooms/receipts.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'

interface Services {
  receipts: Receipts
  readMarkers: ReadMarkers
  rooms: Rooms
  memberships: Memberships
  presence: Pick<Presence, 'active'>
}

export const readMarkerRoutes = (services: Services): Route[] => [
  route(setReadMarker, async ({ params, body, requester }) => {
    services.presence.active(requester)
    const { 'm.fully_read': fullyRead, 'm.read': read, 'm.read.private': readPrivately } = body
    const mayMoveBack = body['com.beeper.allow_backward']
    const room = await ownRoom(services, params.roomId, requester.userNid)
    if (fullyRead !== undefined) await services.readMarkers.set(requester, room, fullyRead, mayMoveBack)
    if (read !== undefined) await services.receipts.acknowledge(requester, room, 'm.read', read)
    if (readPrivately !== undefined) await services.receipts.acknowledge(requester, room, 'm.read.private', readPrivately)
    return {}
  }),
]
