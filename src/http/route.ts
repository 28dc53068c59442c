/** A declaration and the function that serves it. */
import type { Readable } from 'node:stream'
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '../../schemas/endpoint.ts'
import type { ServerName } from '../../schemas/ids.ts'
import type { Ending } from '../core/ending.ts'
import type { Requester } from '../core/requester.ts'
import type { RawResponse } from './reply.ts'

/** Another homeserver that has signed its request. */
export interface RemoteServer {
  readonly origin: ServerName
}

/** Who calls, by the endpoint's `auth`. */
export type RequesterOf<E> = E extends { readonly auth: infer A }
  ? A extends 'server'
    ? RemoteServer
    : A extends 'none'
      ? undefined
      : A extends 'optional-access-token'
        ? Requester | undefined
        : Requester
  : never

/** A request that has been authenticated, limited and checked against its declaration. */
export interface Request<E extends Endpoint = Endpoint> {
  readonly params: ParamsOf<E>
  /** Converted by the declaration; what is not declared stays text. Without `access_token`. */
  readonly query: QueryOf<E>
  /** As it came: unknown keys are kept. */
  readonly body: BodyOf<E>
  /** The body's text, for checks of numbers; empty where the endpoint takes none. */
  readonly bodyText: string
  readonly requester: RequesterOf<E>
  /** Finds out again who calls, for what goes on for long: rejects once the access token is not good any more. */
  authenticateAgain(): Promise<unknown>
  /** IP address of the client. */
  readonly address: string
  readonly userAgent: string | undefined
  readonly requestId: string
  /** Comes when the client goes away, and when the server stops. */
  readonly ending: Ending
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  /** The body of an endpoint that declares none (an upload); fails with M_TOO_LARGE beyond the declared `maxBody`. */
  stream(): Readable
}

export type Handler<E extends Endpoint> = (request: Request<E>) => Promise<ResponseOf<E> | RawResponse>

export interface Route {
  readonly endpoint: Endpoint
  // A method, so that a handler of a narrower request is a Route's.
  handle(request: Request): Promise<unknown>
}

/** Joins a declaration and its handler; the types of the request and of the answer follow from the declaration. */
export function route<E extends Endpoint>(endpoint: E, handle: Handler<E>): Route {
  return { endpoint, handle }
}
