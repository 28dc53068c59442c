/** The forms of events in answers. https://spec.matrix.org/v1.19/client-server-api/#room-event-format */
import { type TProperties, type TSchema, Type } from 'typebox'
import { integer, jsonObject, mapOf, publicRoomKeys, roomSummaryKeys, visibility } from './definitions.ts'
import { eventId, roomId, serverName, userId } from './ids.ts'
import type { JsonObject } from './json.ts'

const object = (properties: TProperties) => Type.Unsafe<JsonObject>(Type.Object(properties))

const eventKeys = {
  event_id: eventId(),
  type: Type.String(),
  sender: userId(),
  origin_server_ts: integer(),
  content: jsonObject(),
  state_key: Type.Optional(Type.String()),
}

const unsigned = () =>
  object({
    age: Type.Optional(integer()),
    membership: Type.Optional(Type.String()),
    prev_content: Type.Optional(jsonObject()),
    redacted_because: Type.Optional(object(eventKeys)),
    replaces_state: Type.Optional(eventId()),
    transaction_id: Type.Optional(Type.String()),
    'm.relations': Type.Optional(jsonObject()),
  })

const clientEventKeys = { ...eventKeys, unsigned: Type.Optional(unsigned()) }

/** An event in the form that clients get. */
export const clientEvent = () => object({ ...clientEventKeys, room_id: roomId() })

/** As `clientEvent`, where it stands under the room that it is of. */
export const clientEventWithoutRoomId = () => object(clientEventKeys)

const WHOLE = ['type', 'sender', 'origin_server_ts', 'content']

/**
 * What a filter's `event_fields` and `event_format` leave of an event: any of its keys. One with an ID is taken for whole,
 * though a filter may ask for the ID and leave out others.
 */
export const filteredEvent = () =>
  Type.Refine(
    Type.Unsafe<JsonObject>(Type.Partial(Type.Object({ ...eventKeys, unsigned: unsigned() }))),
    (event) => event['event_id'] === undefined || WHOLE.every((key) => Object.hasOwn(event, key)),
    () => 'has an ID but is not whole',
  )

/** An event that is in no timeline: account data, receipts, typing, presence. */
export const event = () => object({ type: Type.String(), content: jsonObject() })

/** A message to a device. */
export const toDeviceEvent = () => object({ type: Type.String(), sender: userId(), content: jsonObject() })

const strippedKeys = { type: Type.String(), state_key: Type.String(), sender: userId(), content: jsonObject() }

/** A state event in the form of invites and knocks: type, state key, sender and content. */
export const strippedEvent = () => object(strippedKeys)

const strippedChildEvent = () => object({ ...strippedKeys, origin_server_ts: integer() })

/** A room as it is, or was when the reader left it; who only looks in has no membership. */
export const initialRoom = <M extends TSchema>(ofReader: M) =>
  Type.Object({
    room_id: roomId(),
    membership: ofReader,
    messages: Type.Optional(
      Type.Object({ start: Type.Optional(Type.String()), end: Type.String(), chunk: Type.Array(clientEvent()) }),
    ),
    state: Type.Optional(Type.Array(clientEvent())),
    visibility: Type.Optional(visibility()),
    account_data: Type.Optional(Type.Array(event())),
    // Deprecated with the endpoint, but what reads it reads these too.
    presence: Type.Optional(Type.Array(event())),
    receipts: Type.Optional(Type.Array(event())),
  })

/** A room of a space, with the `m.space.child` events that are its children. */
export const spaceRoom = () =>
  Type.Object({ ...publicRoomKeys, ...roomSummaryKeys, children_state: Type.Array(strippedChildEvent()) })

/** An event as servers exchange it; what else it holds depends on the version of the room. */
export const pdu = () =>
  object({
    type: Type.String(),
    sender: userId(),
    origin_server_ts: integer(),
    content: jsonObject(),
    depth: integer(),
    auth_events: Type.Array(Type.Unknown()),
    prev_events: Type.Array(Type.Unknown()),
    hashes: mapOf(Type.String()),
    signatures: mapOf(mapOf(Type.String())),
    room_id: Type.Optional(roomId()),
    state_key: Type.Optional(Type.String()),
  })

/** What a server gets that joins. */
export const roomStateForJoin = () =>
  Type.Object({
    members_omitted: Type.Optional(Type.Boolean()),
    auth_chain: Type.Array(pdu()),
    state: Type.Array(pdu()),
    event: Type.Optional(pdu()),
    servers_in_room: Type.Optional(Type.Array(serverName())),
  })

/** A membership event that a joining, leaving or knocking server is to complete. */
export const membershipTemplate = () =>
  object({
    type: Type.Literal('m.room.member'),
    sender: userId(),
    state_key: userId(),
    origin_server_ts: integer(),
    content: Type.Object({ membership: Type.String() }),
  })
