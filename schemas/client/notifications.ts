import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { json, natural } from '../definitions.ts'
import { clientEventWithoutRoomId } from '../events.ts'
import { roomId } from '../ids.ts'

const notification = () =>
  Type.Object({
    actions: Type.Array(json()),
    event: clientEventWithoutRoomId(),
    profile_tag: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    read: Type.Boolean(),
    room_id: roomId(),
    ts: natural(),
  })

export const getNotifications = clientEndpoint('GET', '/_matrix/client/v3/notifications', {
  auth: 'access-token',
  rateLimit: 'read',
  query: Type.Object({
    from: Type.Optional(Type.String()),
    limit: Type.Optional(natural()),
    /** `highlight` leaves out the others. */
    only: Type.Optional(Type.String()),
  }),
  response: Type.Object({ next_token: Type.Optional(Type.String()), notifications: Type.Array(notification()) }),
})
