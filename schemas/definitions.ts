/** Pieces that the declarations of several endpoints share. */
import { type Static, type TSchema, Type } from 'typebox'
import { isUserId, roomAlias, roomId, serverName } from './ids.ts'
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
  Type.Unsafe<JsonObject>(Type.Object({ type: Type.Optional(Type.String()), session: Type.Optional(Type.String()) }))

/** An event in the form that clients get. */
export const clientEvent = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      event_id: Type.String(),
      type: Type.String(),
      sender: Type.String(),
      origin_server_ts: Type.Integer(),
      content: jsonObject(),
      state_key: Type.Optional(Type.String()),
      unsigned: Type.Optional(jsonObject()),
    }),
  )

/** A state event in the form of invites and knocks: type, state key, sender and content. */
export const strippedEvent = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({ type: Type.String(), state_key: Type.String(), sender: Type.String(), content: jsonObject() }),
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

/** The signing keys that a server publishes. https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
export const serverKeys = () =>
  Type.Object({
    server_name: serverName(),
    verify_keys: mapOf(Type.Object({ key: Type.String() })),
    old_verify_keys: Type.Optional(mapOf(Type.Object({ expired_ts: integer(), key: Type.String() }))),
    signatures: Type.Optional(mapOf(mapOf(Type.String()))),
    valid_until_ts: integer(),
  })
