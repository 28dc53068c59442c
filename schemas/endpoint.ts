/** One declaration an endpoint: routing, validation, types, the outbound client, docs and the coverage test derive from it. */
import { type Static, type TSchema, Type } from 'typebox'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/**
 * Who may call: anybody; the bearer of an access token; either; another homeserver (X-Matrix); an application service;
 * `admin` for the bearer of a server admin's access token.
 */
export type Auth = 'none' | 'access-token' | 'optional-access-token' | 'server' | 'app-service' | 'admin'

/** The limiter that a call counts against; `none` for what is cheap or must always answer. */
export type RateLimitClass =
  | 'none'
  | 'message'
  | 'login'
  | 'registration'
  | 'join'
  | 'invite'
  | 'room-creation'
  | 'read'
  | 'write'
  | 'socket'
  | 'federation'

export interface Endpoint<
  P extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
  A extends Auth = Auth,
> {
  readonly method: Method
  /** The path with `:name` where the specification writes `{name}`, e.g. `/_matrix/client/v3/rooms/:roomId/join`. */
  readonly path: string
  /** Further paths served by the same handler: `r0` twins, unstable prefixes. */
  readonly alsoAt: readonly string[]
  readonly auth: A
  /** A guest's token may call it. https://spec.matrix.org/v1.19/client-server-api/#guest-access */
  readonly guests: boolean
  readonly rateLimit: RateLimitClass
  /** Largest body in bytes; a larger one is answered with 413 M_TOO_LARGE. */
  readonly maxBody: number
  readonly params: P
  /** Query values arrive as text; numbers and booleans in the schema are read from it, repeated keys give arrays. */
  readonly query: Q
  /** `undefined` where the endpoint takes no body. */
  readonly body: B | undefined
  /** A missing or empty body counts as `{}` (many POSTs of the specification are called without one). */
  readonly bodyOptional: boolean
  readonly response: R
  /** What an answer of this server holds, where less is accepted of other servers' answers. */
  readonly ownResponse: TSchema
  /** Link into the specification. */
  readonly spec: string
}

export type ParamsOf<E> = E extends Endpoint<infer P, TSchema, TSchema, TSchema> ? Static<P> : never
export type QueryOf<E> = E extends Endpoint<TSchema, infer Q, TSchema, TSchema> ? Static<Q> : never
export type BodyOf<E> = E extends Endpoint<TSchema, TSchema, infer B, TSchema> ? Static<B> : never
export type ResponseOf<E> = E extends Endpoint<TSchema, TSchema, TSchema, infer R> ? Static<R> : never
export type AuthOf<E> = E extends Endpoint<TSchema, TSchema, TSchema, TSchema, infer A> ? A : never

/** What a declaration says beside its method and path. */
export interface Options<P extends TSchema, Q extends TSchema, B extends TSchema, R extends TSchema, A extends Auth> {
  auth: A
  guests?: boolean
  rateLimit?: RateLimitClass
  maxBody?: number
  params?: P
  query?: Q
  body?: B
  bodyOptional?: boolean
  response: R
  ownResponse?: TSchema
  spec: string
  alsoAt?: readonly string[]
}

const nothing = Type.Object({})
export type Nothing = typeof nothing

/** An event is at most 65,536 bytes; what wraps it needs a little more. */
export const DEFAULT_MAX_BODY = 128 * 1024

export function endpoint<
  P extends TSchema = Nothing,
  Q extends TSchema = Nothing,
  B extends TSchema = Nothing,
  R extends TSchema = Nothing,
  A extends Auth = Auth,
>(method: Method, path: string, options: Options<P, Q, B, R, A>): Endpoint<P, Q, B, R, A> {
  return {
    method,
    path,
    alsoAt: options.alsoAt ?? [],
    auth: options.auth,
    guests: options.guests ?? false,
    rateLimit: options.rateLimit ?? 'none',
    maxBody: options.maxBody ?? DEFAULT_MAX_BODY,
    // Absent schemas fall back to the type parameter's own default, which is `Nothing`.
    params: options.params ?? (nothing as unknown as P),
    query: options.query ?? (nothing as unknown as Q),
    body: options.body,
    bodyOptional: options.bodyOptional ?? false,
    response: options.response,
    ownResponse: options.ownResponse ?? options.response,
    spec: options.spec,
  }
}
