/** Simplified sliding sync, MSC4186. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
import { type TSchema, Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { deviceLists, jsonObject, mapOf, natural, userMapOf } from '../definitions.ts'
import { clientEventWithoutRoomId, event, strippedEvent, toDeviceEvent } from '../events.ts'

const SPEC = 'https://github.com/matrix-org/matrix-spec-proposals/pull/4186'
const MAX_ELEMENTS = 500

const text = () => Type.String({ maxLength: 512 })
const texts = () => Type.Array(text(), { maxItems: 1_000 })
const flag = () => Type.Optional(Type.Boolean())
const roomTypes = () => Type.Optional(Type.Array(Type.Union([text(), Type.Null()]), { maxItems: 100 }))
const positive = () => Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const presence = () => Type.Optional(Type.Enum(['offline', 'online', 'unavailable']))

const filters = {
  is_dm: flag(),
  spaces: Type.Optional(texts()),
  is_encrypted: flag(),
  room_types: roomTypes(),
  not_room_types: roomTypes(),
  tags: Type.Optional(texts()),
  not_tags: Type.Optional(texts()),
}

/** Rooms that an extension is wanted for: names of lists, and ids of subscribed rooms. */
const roomExtensionKeys = {
  enabled: flag(),
  lists: Type.Optional(Type.Union([texts(), Type.Null()])),
  rooms: Type.Optional(Type.Union([texts(), Type.Null()])),
}

const roomExtension = () => Type.Optional(Type.Object(roomExtensionKeys))

const profileFields = () => Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100 })

/** What is told a page at a time. */
const pagedExtension = () =>
  Type.Optional(
    Type.Object({
      enabled: flag(),
      limit: Type.Optional(positive()),
      since: Type.Optional(Type.Union([text(), Type.Null()])),
    }),
  )

const extensions = () =>
  Type.Optional(
    Type.Object({
      to_device: pagedExtension(),
      /** MSC4480 */
      'org.matrix.msc4354.sticky_events': pagedExtension(),
      e2ee: Type.Optional(Type.Object({ enabled: flag() })),
      account_data: roomExtension(),
      receipts: roomExtension(),
      typing: roomExtension(),
      /** MSC4262 */
      'org.matrix.msc4262.profiles': Type.Optional(
        Type.Object({ ...roomExtensionKeys, fields: Type.Optional(Type.Union([profileFields(), Type.Null()])) }),
      ),
      'io.element.msc4308.thread_subscriptions': Type.Optional(
        Type.Object({ enabled: flag(), limit: Type.Optional(positive()) }),
      ),
    }),
  )

/** State that is there no more. */
const stateStub = () => Type.Object({ type: Type.String(), state_key: Type.String() }, { additionalProperties: false })

const range = () => Type.Tuple([natural(), natural()])

/** `[type, state key]`, where `*` stands for all, `$LAZY` for the members that are needed and `$ME` for oneself. */
const unstableConfig = {
  timeline_limit: Type.Optional(natural()),
  required_state: Type.Optional(Type.Array(Type.Tuple([text(), text()]), { maxItems: MAX_ELEMENTS })),
}

const stateElements = () =>
  Type.Optional(
    Type.Array(Type.Object({ type: Type.Optional(text()), state_key: Type.Optional(text()) }), { maxItems: MAX_ELEMENTS }),
  )

const stableConfig = {
  timeline_limit: natural(),
  required_state: Type.Object({ include: stateElements(), exclude: stateElements(), lazy_members: flag() }),
}

const room = <M extends Record<string, TSchema>>(members: M) =>
  Type.Object({
    initial: flag(),
    bump_stamp: Type.Optional(natural()),
    is_dm: flag(),
    name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    avatar: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    heroes: Type.Optional(
      Type.Array(
        Type.Object({
          user_id: Type.String(),
          displayname: Type.Optional(Type.String()),
          avatar_url: Type.Optional(Type.String()),
        }),
      ),
    ),
    required_state: Type.Optional(Type.Array(clientEventWithoutRoomId())),
    timeline: Type.Optional(Type.Array(clientEventWithoutRoomId())),
    prev_batch: Type.Optional(Type.String()),
    limited: flag(),
    num_live: Type.Optional(natural()),
    joined_count: Type.Optional(natural()),
    invited_count: Type.Optional(natural()),
    ...members,
  })

/** From rooms, by their ids. */
const perRoom = <V extends TSchema>(value: V) => Type.Optional(Type.Object({ rooms: Type.Optional(mapOf(value)) }))

const extensionAnswers = () =>
  Type.Object({
    to_device: Type.Optional(Type.Object({ next_batch: Type.String(), events: Type.Array(toDeviceEvent()) })),
    e2ee: Type.Optional(
      Type.Object({
        device_lists: Type.Optional(deviceLists()),
        device_one_time_keys_count: Type.Optional(mapOf(natural())),
        device_unused_fallback_key_types: Type.Optional(Type.Array(Type.String())),
      }),
    ),
    account_data: Type.Optional(
      Type.Object({ global: Type.Optional(Type.Array(event())), rooms: Type.Optional(mapOf(Type.Array(event()))) }),
    ),
    receipts: perRoom(event()),
    typing: perRoom(event()),
    'org.matrix.msc4262.profiles': Type.Optional(
      Type.Object({
        users: userMapOf(
          Type.Union([
            Type.Object({ updated: Type.Optional(jsonObject()), removed: Type.Optional(Type.Array(Type.String())) }),
            Type.Null(),
          ]),
        ),
      }),
    ),
    'org.matrix.msc4354.sticky_events': Type.Optional(
      Type.Object({ next_batch: Type.String(), rooms: mapOf(Type.Object({ events: Type.Array(clientEventWithoutRoomId()) })) }),
    ),
  })

const answer = <M extends Record<string, TSchema>>(members: M) =>
  Type.Object({
    pos: Type.String(),
    lists: Type.Optional(mapOf(Type.Object({ count: natural() }))),
    rooms: Type.Optional(mapOf(room(members))),
    extensions: Type.Optional(extensionAnswers()),
  })

/** As Element X uses it. */
export const slidingSync = clientEndpoint('POST', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  spec: SPEC,
  query: Type.Object({
    pos: Type.Optional(Type.String()),
    timeout: Type.Optional(natural()),
    set_presence: presence(),
  }),
  body: Type.Object({
    conn_id: Type.Optional(text()),
    lists: Type.Optional(
      mapOf(
        Type.Object({
          ...unstableConfig,
          ranges: Type.Optional(Type.Array(range(), { maxItems: 20 })),
          filters: Type.Optional(Type.Union([Type.Object({ ...filters, is_invite: flag() }), Type.Null()])),
        }),
      ),
    ),
    room_subscriptions: Type.Optional(mapOf(Type.Object(unstableConfig))),
    extensions: extensions(),
  }),
  bodyOptional: true,
  response: answer({
    invite_state: Type.Optional(Type.Array(strippedEvent())),
    notification_count: Type.Optional(natural()),
    highlight_count: Type.Optional(natural()),
    unstable_expanded_timeline: flag(),
  }),
})

/** As the proposal was accepted. */
export const slidingSyncV4 = clientEndpoint('POST', '/_matrix/client/v4/sync', {
  auth: 'access-token',
  guests: true,
  rateLimit: 'read',
  spec: SPEC,
  body: Type.Object({
    conn_id: Type.Optional(text()),
    pos: Type.Optional(Type.String()),
    timeout: Type.Optional(natural()),
    /** As `/v3/sync` has it: here an unknown value has an errcode of its own. */
    set_presence: Type.Optional(Type.String()),
    lists: Type.Optional(
      mapOf(
        Type.Object({
          ...stableConfig,
          range: Type.Optional(range()),
          filters: Type.Optional(Type.Object({ ...filters, is_invited: flag() })),
        }),
      ),
    ),
    room_subscriptions: Type.Optional(mapOf(Type.Object(stableConfig))),
    extensions: extensions(),
  }),
  bodyOptional: true,
  response: answer({
    membership: Type.Optional(Type.String()),
    lists: Type.Optional(Type.Array(Type.String())),
    required_state: Type.Optional(Type.Array(Type.Union([clientEventWithoutRoomId(), stateStub()]))),
    stripped_state: Type.Optional(Type.Array(strippedEvent())),
    expanded_timeline: flag(),
  }),
})
