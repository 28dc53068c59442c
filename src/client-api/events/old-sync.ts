import { getEvents, getOneEvent, initialSync } from '../../../schemas/client/old-sync.ts'
import { roomInitialSync } from '../../../schemas/client/room-initial-sync.ts'
import { guestForbidden } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import { decodeToken, encodeToken } from '../../streams/position.ts'
import type { EventStream } from '../../sync/event-stream.ts'
import type { RoomSnapshots } from '../../sync/room-snapshots.ts'

const DEFAULT_TIMEOUT_MS = 0
const MAX_TIMEOUT_MS = 60_000

interface Services {
  eventStream: EventStream
  roomSnapshots: RoomSnapshots
}

export const oldSyncRoutes = ({ eventStream, roomSnapshots }: Services): Route[] => [
  route(getEvents, async ({ requester, query, ending }) => {
    // Guests may only look into one room that is open to them.
    if (requester.isGuest && query.room_id === undefined) throw guestForbidden('Guests have to name a room')
    const request = {
      reader: requester,
      // Some clients write an empty token where they have none yet.
      from: query.from === undefined || query.from === '' ? undefined : decodeToken(query.from),
      timeoutMs: Math.min(query.timeout ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS),
      limit: query.limit,
      roomId: query.room_id,
    }
    const { start, end, texts } = await eventStream.next(request, ending)
    return rawJson(`{"start":"${encodeToken(start)}","end":"${encodeToken(end)}","chunk":[${texts.join(',')}]}`)
  }),

  route(initialSync, async ({ requester, query }) =>
    rawJson(await roomSnapshots.all(requester, query.limit, query.archived ?? false)),
  ),

  route(roomInitialSync, async ({ requester, params, query }) =>
    rawJson(await roomSnapshots.one(requester, params.roomId, query.limit)),
  ),

  route(getOneEvent, async ({ requester, params }) => rawJson(await roomSnapshots.event(requester, params.eventId))),
]
