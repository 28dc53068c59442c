import {
  getJoinedMembersByRoom,
  getMembersByRoom,
  getOneRoomEvent,
  getRoomState,
  getRoomStateWithKey,
} from '../../../schemas/client/rooms.ts'
import { rawJson } from '../../http/reply.ts'
import { type Route, route } from '../../http/route.ts'
import type { ClientEvents } from '../../rooms/client-events.ts'
import type { History } from '../../rooms/history.ts'
import type { RoomContents } from '../../rooms/members.ts'
import type { UnredactedEvents } from '../../rooms/unredacted.ts'
import { decodeToken } from '../../streams/position.ts'

interface Services {
  history: History
  unredactedEvents: UnredactedEvents
  roomContents: RoomContents
  clientEvents: ClientEvents
}

const withRoomId = { withRoomId: true }

export const roomsRoutes = ({ history, roomContents, clientEvents, unredactedEvents }: Services): Route[] => [
  route(getOneRoomEvent, async ({ requester, params, query }) => {
    if (query['fi.mau.msc2815.include_unredacted_content'] === true) {
      const unredacted = await unredactedEvents.get(requester, params.roomId, params.eventId)
      return rawJson(await clientEvents.text(unredacted, requester, { withRoomId: true, unredacted: true }))
    }
    const event = await history.event(requester, params.roomId, params.eventId)
    return rawJson(await clientEvents.text(event, requester, withRoomId))
  }),

  route(getRoomStateWithKey, async ({ requester, params, query }) => {
    const event = await roomContents.stateEvent(requester, params.roomId, params.eventType, params.stateKey ?? '')
    return query.format === 'event' ? rawJson(await clientEvents.text(event, requester, withRoomId)) : event.content
  }),

  route(getRoomState, async ({ requester, params }) => {
    const state = await roomContents.state(requester, params.roomId)
    return rawJson(['[', (await clientEvents.texts(state, requester, withRoomId)).join(','), ']'])
  }),

  route(getMembersByRoom, async ({ requester, params, query }) => {
    const members = await roomContents.members(requester, params.roomId, {
      at: query.at === undefined ? undefined : decodeToken(query.at),
      membership: query.membership,
      notMembership: query.not_membership,
    })
    return rawJson(['{"chunk":[', (await clientEvents.texts(members, requester, withRoomId)).join(','), ']}'])
  }),

  route(getJoinedMembersByRoom, async ({ requester, params }) => {
    const members = await roomContents.joinedMembers(requester, params.roomId)
    const entries = [...members].map(([userId, { displayName, avatarUrl }]) => [
      userId,
      { display_name: displayName, avatar_url: avatarUrl },
    ])
    return { joined: Object.fromEntries(entries) }
  }),
]
