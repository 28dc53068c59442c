/** Pieces that the declarations of several endpoints share. */
import { type Static, type TSchema, Type } from 'typebox'
import { type DeviceId, deviceId, isUserId, roomAlias, roomId, serverName, type UserId, userId } from './ids.ts'
import type { Json, JsonObject } from './json.ts'

/** Any JSON object. */
export const jsonObject = () => Type.Unsafe<JsonObject>(Type.Object({}))

/** Any JSON value. */
export const json = () => Type.Unsafe<Json>(Type.Unknown())

/** The answer of endpoints that only say that it is done. */
export const empty = () => Type.Object({})

/** An integer that Canonical JSON can carry. https://spec.matrix.org/v1.19/appendices/#canonical-json */
export const integer = () => Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })

/** An integer that is not negative: limits, timeouts and timestamps. */
export const natural = () => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** An object whose keys are free and whose values are all of one form. (`Type.Record` lets keys with a line break by.) */
export const mapOf = <V extends TSchema>(value: V) =>
  Type.Unsafe<Record<string, Static<V>>>(Type.Record(Type.String({ pattern: '^' }), value))

/** As `mapOf`, with every key a user ID. */
export const userMapOf = <V extends TSchema>(value: V) =>
  Type.Refine(
    Type.Unsafe<Record<string, Static<V>>>(Type.Record(Type.String({ pattern: '^' }), value)),
    (map) => Object.keys(map).every(isUserId),
    () => 'has a key that is not a user ID',
  )

export const roomIdOrAlias = () => Type.Union([roomId(), roomAlias()])

/** A client's name for one of its requests, which makes it idempotent. */
export const transactionId = () => Type.String({ minLength: 1, maxLength: 512 })

export const eventType = () => Type.String({ minLength: 1 })

/** `auth` of a request with user-interactive authentication; what else it holds depends on the stage. */
export const authDict = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      type: Type.Optional(Type.String()),
      // matrix-rust-sdk writes null before there is one.
      session: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
  )

/** A user's profile; it may have fields of other names. */
export const userProfile = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      displayname: Type.Optional(Type.String()),
      avatar_url: Type.Optional(Type.String()),
      'm.tz': Type.Optional(Type.String()),
    }),
  )

export const direction = () => Type.Enum(['b', 'f'])

export const membership = () => Type.Enum(['join', 'invite', 'knock', 'leave', 'ban'])

export const visibility = () => Type.Enum(['public', 'private'])

/** What every answer that hands out an access token holds. */
export const credentials = {
  access_token: Type.String(),
  refresh_token: Type.Optional(Type.String()),
  expires_in_ms: Type.Optional(natural()),
}

const tokenRequest = {
  client_secret: Type.String({ minLength: 1, maxLength: 255 }),
  send_attempt: integer(),
  next_link: Type.Optional(Type.String()),
  id_server: Type.Optional(Type.String()),
  id_access_token: Type.Optional(Type.String()),
}

/** Asks for a message to an e-mail address that proves who reads it. */
export const emailTokenRequest = () => Type.Object({ ...tokenRequest, email: Type.String() })

/** Asks for a text message to a phone number that proves who reads it. */
export const phoneTokenRequest = () => Type.Object({ ...tokenRequest, country: Type.String(), phone_number: Type.String() })

export const tokenRequested = () => Type.Object({ sid: Type.String(), submit_url: Type.Optional(Type.String()) })

const signatures = () => mapOf(mapOf(Type.String()))

const serverKeyKeys = {
  server_name: serverName(),
  verify_keys: mapOf(Type.Object({ key: Type.String() })),
  old_verify_keys: Type.Optional(mapOf(Type.Object({ expired_ts: integer(), key: Type.String() }))),
  valid_until_ts: integer(),
}

/** The signing keys that a server publishes. https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
export const serverKeys = () => Type.Object({ ...serverKeyKeys, signatures: Type.Optional(signatures()) })

export const signedServerKeys = () => Type.Object({ ...serverKeyKeys, signatures: signatures() })

const baseUrl = () => Type.Object({ base_url: Type.String() })

/** Where clients find a homeserver. */
export const discoveryInformation = () =>
  Type.Object({ 'm.homeserver': baseUrl(), 'm.identity_server': Type.Optional(baseUrl()) })

export const MEGABYTE = 1024 * 1024

/** The answer is a file, a page or a redirect: handlers return a raw response. */
export const bytes = () => Type.Unsafe<never>(Type.Unknown())

/** https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris */
export const mediaId = () => Type.String({ pattern: '^[A-Za-z0-9_-]{1,255}$' })

export const thumbnailQuery = {
  width: natural(),
  height: natural(),
  method: Type.Optional(Type.Enum(['crop', 'scale'])),
  animated: Type.Optional(Type.Boolean()),
}

export const medium = () => Type.Enum(['email', 'msisdn'])

export const unbindResult = () => Type.Object({ id_server_unbind_result: Type.Enum(['success', 'no-support']) })

const deviceKeyKeys = {
  user_id: userId(),
  device_id: deviceId(),
  algorithms: Type.Array(Type.String()),
  keys: mapOf(Type.String()),
  signatures: signatures(),
}

/** A device's identity keys, signed by the device. */
export const deviceKeys = () => Type.Unsafe<DeviceKeys>(Type.Object(deviceKeyKeys))

/** The same as others get them: with the name that the user has given to the device. */
export const publishedDeviceKeys = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      ...deviceKeyKeys,
      unsigned: Type.Optional(Type.Object({ device_display_name: Type.Optional(Type.String()) })),
    }),
  )

export type DeviceKeys = JsonObject & {
  user_id: UserId
  device_id: DeviceId
  algorithms: string[]
  keys: Record<string, string>
  signatures: Record<string, Record<string, string>>
}

/** A one-time or fallback key: bare or signed. */
export const oneTimeKey = () =>
  Type.Union([
    Type.String(),
    Type.Unsafe<JsonObject>(
      Type.Object({ key: Type.String(), signatures: signatures(), fallback: Type.Optional(Type.Boolean()) }),
    ),
  ])

/** By `algorithm:key ID`: a bare key or a signed one. */
export const keysById = () => mapOf(oneTimeKey())

/** A master, self-signing or user-signing key. */
export const crossSigningKey = () =>
  Type.Unsafe<CrossSigningKey>(
    Type.Object({
      user_id: userId(),
      usage: Type.Array(Type.String()),
      keys: mapOf(Type.String()),
      signatures: Type.Optional(signatures()),
    }),
  )

export type CrossSigningKey = JsonObject & { user_id: UserId; usage: string[]; keys: Record<string, string> }

/** Whose devices are to be asked for again, and whose are no longer of interest. */
export const deviceLists = () =>
  Type.Object({ changed: Type.Optional(Type.Array(Type.String())), left: Type.Optional(Type.Array(Type.String())) })

/** What everybody may know of a published room. */
export const publicRoomKeys = {
  room_id: roomId(),
  canonical_alias: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  num_joined_members: natural(),
  topic: Type.Optional(Type.String()),
  world_readable: Type.Boolean(),
  guest_can_join: Type.Boolean(),
  avatar_url: Type.Optional(Type.String()),
  join_rule: Type.Optional(Type.String()),
  room_type: Type.Optional(Type.String()),
}

export const publicRooms = () =>
  Type.Object({
    chunk: Type.Array(Type.Object(publicRoomKeys)),
    next_batch: Type.Optional(Type.String()),
    prev_batch: Type.Optional(Type.String()),
    total_room_count_estimate: Type.Optional(natural()),
  })

export const publicRoomsQuery = () =>
  Type.Object({
    limit: Type.Optional(natural()),
    since: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    filter: Type.Optional(
      Type.Object({
        generic_search_term: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        room_types: Type.Optional(Type.Union([Type.Array(Type.Union([Type.String(), Type.Null()])), Type.Null()])),
      }),
    ),
    include_all_networks: Type.Optional(Type.Boolean()),
    third_party_instance_id: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  })

/** What a room's summary tells beyond the public rooms. */
export const roomSummaryKeys = {
  allowed_room_ids: Type.Optional(Type.Array(roomId())),
  encryption: Type.Optional(Type.String()),
  room_version: Type.Optional(Type.String()),
}

/** Some events of a room as one server sends them to another. */
export const pduBatch = <V extends TSchema>(pdu: V) =>
  Type.Object({ origin: serverName(), origin_server_ts: integer(), pdus: Type.Array(pdu) })

/** For how long an event is delayed, in milliseconds. */
export const delayMs = () => Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** The answer where an event is sent later. */
export const scheduled = () => Type.Object({ delay_id: Type.String() })

/** Earlier drafts of MSC4140: the endpoints that send an event take a delay, and then answer `scheduled`. */
export const delayQuery = { 'org.matrix.msc4140.delay': Type.Optional(delayMs()) }

/** MSC4354: for how long an event is to be sticky, an hour at most. */
export const stickyQuery = {
  'org.matrix.msc4354.sticky_duration_ms': Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
}

/** MSC4293: what a user has said since they came in is redacted when they are kicked or banned. */
export const redactEvents = { 'org.matrix.msc4293.redact_events': Type.Optional(Type.Boolean()) }

/** MSC4446: a fully read marker may move to an older event. */
export const allowBackward = { 'com.beeper.allow_backward': Type.Optional(Type.Boolean()) }

/** Where the media of calls go (MSC4143). `livekit` is what clients know. */
export const rtcTransport = () => Type.Object({ type: Type.Enum(['livekit']), livekit_service_url: Type.String() })
