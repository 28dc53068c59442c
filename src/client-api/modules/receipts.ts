import { postReceipt } from '../../../schemas/client/receipts.ts'
import { invalidParam } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import { knownRoom } from '../../rooms/policy.ts'
import type { Presence } from '../../rooms/presence.ts'
import type { ReadMarkers } from '../../rooms/read-markers.ts'
import type { Receipts } from '../../rooms/receipts.ts'
import type { Rooms } from '../../storage/rooms.ts'

interface Services {
  readonly receipts: Receipts
  readonly readMarkers: ReadMarkers
  readonly rooms: Rooms
  readonly presence: Pick<Presence, 'active'>
}

export const receiptRoutes = (services: Services): Route[] => [
  route(postReceipt, async ({ params, body, requester }) => {
    services.presence.active(requester)
    const { receiptType, eventId } = params
    const { thread_id: threadId, 'com.beeper.allow_backward': mayMoveBack } = body
    const room = await knownRoom(services.rooms, params.roomId)
    if (threadId === '') throw invalidParam('thread_id must not be empty')
    if (receiptType === 'm.fully_read') {
      if (threadId !== undefined) throw invalidParam('thread_id does not go with m.fully_read')
      await services.readMarkers.set(requester, room, eventId, mayMoveBack)
    } else {
      if (mayMoveBack === true) throw invalidParam('com.beeper.allow_backward goes with m.fully_read alone')
      await services.receipts.acknowledge(requester, room, receiptType, eventId, threadId)
    }
    return {}
  }),
]
