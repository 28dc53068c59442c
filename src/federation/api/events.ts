import type { ServerName } from '../../../schemas/ids.ts'
import { getEvent, getEventByTimestamp, getRoomState, getRoomStateIds } from '../../../schemas/server/events.ts'
import type { Clock } from '../../core/clock.ts'
import { notFound } from '../../core/errors.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { FoundEvent } from '../../rooms/remote.ts'
import type { Room } from '../../storage/rooms.ts'
import type { RoomAccess } from '../inbound/access.ts'
import type { InboundHistory } from '../inbound/history.ts'
import type { ServedEvents } from '../inbound/served-events.ts'

export interface EventsServices {
  readonly serverName: ServerName
  readonly clock: Clock
  readonly inboundHistory: InboundHistory
  readonly served: ServedEvents
  readonly access: RoomAccess
  /** The event of a room's timeline that is closest to a time (milliseconds since the epoch), looking in one direction. */
  readonly eventNear: (room: Room, timestamp: number, direction: 'f' | 'b') => Promise<FoundEvent | undefined>
}

export const eventsRoutes = ({ serverName, clock, inboundHistory, served, access, eventNear }: EventsServices): Route[] => [
  route(getRoomState, async ({ params, query, requester: { origin } }) => {
    const { state, chain } = await inboundHistory.stateBefore(origin, params.roomId, query.event_id)
    const pdus = await served.texts(state.map(({ nid }) => nid))
    const authChain = await served.texts(chain.map(({ nid }) => nid))
    return rawJson(`{"pdus":[${pdus.join(',')}],"auth_chain":[${authChain.join(',')}]}`)
  }),
  route(getRoomStateIds, async ({ params, query, requester: { origin } }) => {
    const { state, chain } = await inboundHistory.stateBefore(origin, params.roomId, query.event_id)
    return { pdu_ids: state.map(({ eventId }) => eventId), auth_chain_ids: chain.map(({ eventId }) => eventId) }
  }),
  route(getEvent, async ({ params, requester: { origin } }) => {
    const pdu = await inboundHistory.event(origin, params.eventId)
    return { origin: serverName, origin_server_ts: clock.now(), pdus: [pdu] }
  }),
  route(getEventByTimestamp, async ({ params, query, requester: { origin } }) => {
    const room = await access.sharedRoom(origin, params.roomId)
    const found = await eventNear(room, query.ts, query.dir)
    if (!found) throw notFound('There is no event on that side of the timestamp')
    return { event_id: found.eventId, origin_server_ts: found.originServerTs }
  }),
]
