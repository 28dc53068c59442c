import { type TSchema, Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { deviceLists, jsonObject, mapOf, natural, userMapOf } from '../definitions.ts'
import { event, filteredEvent, strippedEvent, toDeviceEvent } from '../events.ts'
import { userId } from '../ids.ts'

const events = <V extends TSchema>(value: V) => Type.Object({ events: Type.Optional(Type.Array(value)) })

const timeline = () =>
  Type.Object({
    events: Type.Array(filteredEvent()),
    limited: Type.Optional(Type.Boolean()),
    prev_batch: Type.Optional(Type.String()),
  })

const counts = () => Type.Object({ highlight_count: Type.Optional(natural()), notification_count: Type.Optional(natural()) })

const pastRoom = {
  state: Type.Optional(events(filteredEvent())),
  state_after: Type.Optional(events(filteredEvent())),
  'org.matrix.msc4222.state_after': Type.Optional(events(filteredEvent())),
  timeline: Type.Optional(timeline()),
  account_data: Type.Optional(events(event())),
}

const joinedRoom = () =>
  Type.Object({
    ...pastRoom,
    summary: Type.Optional(
      Type.Object({
        'm.heroes': Type.Optional(Type.Array(userId())),
        'm.joined_member_count': Type.Optional(natural()),
        'm.invited_member_count': Type.Optional(natural()),
      }),
    ),
    ephemeral: Type.Optional(events(event())),
    /** MSC4354: sticky events that the timeline does not hold. */
    msc4354_sticky: Type.Optional(events(filteredEvent())),
    unread_notifications: Type.Optional(counts()),
    unread_thread_notifications: Type.Optional(mapOf(counts())),
  })

const rooms = () =>
  Type.Object({
    join: Type.Optional(mapOf(joinedRoom())),
    invite: Type.Optional(mapOf(Type.Object({ invite_state: Type.Optional(events(strippedEvent())) }))),
    knock: Type.Optional(mapOf(Type.Object({ knock_state: Type.Optional(events(strippedEvent())) }))),
    leave: Type.Optional(mapOf(Type.Object(pastRoom))),
  })

export const sync = clientEndpoint('GET', '/_matrix/client/v3/sync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  query: Type.Object({
    /** A filter's ID, or a filter as JSON. */
    filter: Type.Optional(Type.String()),
    since: Type.Optional(Type.String()),
    full_state: Type.Optional(Type.Boolean()),
    set_presence: Type.Optional(Type.Enum(['offline', 'online', 'unavailable'])),
    timeout: Type.Optional(natural()),
    use_state_after: Type.Optional(Type.Boolean()),
    /** The name that clients from before Matrix 1.16 use. */
    'org.matrix.msc4222.use_state_after': Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    next_batch: Type.String(),
    rooms: Type.Optional(rooms()),
    presence: Type.Optional(events(event())),
    account_data: Type.Optional(events(event())),
    to_device: Type.Optional(events(toDeviceEvent())),
    device_lists: Type.Optional(deviceLists()),
    device_one_time_keys_count: Type.Optional(mapOf(natural())),
    device_unused_fallback_key_types: Type.Optional(Type.Array(Type.String())),
    /** MSC4429: the fields of profiles that have changed; null where they are gone, and instead of all where no room is shared any more. */
    'org.matrix.msc4429.users': Type.Optional(
      userMapOf(Type.Object({ profile_updates: Type.Union([jsonObject(), Type.Null()]) })),
    ),
  }),
})
