/** Filters, as defined, as given inline to `/sync`, and as parts of searches. https://spec.matrix.org/v1.19/client-server-api/#filtering */
import { Type } from 'typebox'
import { natural } from './definitions.ts'
import { roomId, userId } from './ids.ts'

const eventFilterKeys = {
  limit: Type.Optional(natural()),
  senders: Type.Optional(Type.Array(userId())),
  not_senders: Type.Optional(Type.Array(userId())),
  types: Type.Optional(Type.Array(Type.String())),
  not_types: Type.Optional(Type.Array(Type.String())),
}

export const eventFilter = () => Type.Object(eventFilterKeys)

export const roomEventFilter = () =>
  Type.Object({
    ...eventFilterKeys,
    rooms: Type.Optional(Type.Array(roomId())),
    not_rooms: Type.Optional(Type.Array(roomId())),
    contains_url: Type.Optional(Type.Boolean()),
    lazy_load_members: Type.Optional(Type.Boolean()),
    include_redundant_members: Type.Optional(Type.Boolean()),
    unread_thread_notifications: Type.Optional(Type.Boolean()),
    // Not in the specification (MSC3440), but Element finds the threads of a room with them.
    related_by_senders: Type.Optional(Type.Array(Type.String())),
    related_by_rel_types: Type.Optional(Type.Array(Type.String())),
  })

const roomFilter = () =>
  Type.Object({
    rooms: Type.Optional(Type.Array(roomId())),
    not_rooms: Type.Optional(Type.Array(roomId())),
    include_leave: Type.Optional(Type.Boolean()),
    ephemeral: Type.Optional(roomEventFilter()),
    state: Type.Optional(roomEventFilter()),
    timeline: Type.Optional(roomEventFilter()),
    account_data: Type.Optional(roomEventFilter()),
  })

export const filter = () =>
  Type.Object({
    event_fields: Type.Optional(Type.Array(Type.String())),
    event_format: Type.Optional(Type.Enum(['client', 'federation'])),
    presence: Type.Optional(eventFilter()),
    account_data: Type.Optional(eventFilter()),
    room: Type.Optional(roomFilter()),
  })
