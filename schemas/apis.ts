/** Declares endpoints of one API of the specification: adds what all of its endpoints share. */
import type { TSchema } from 'typebox'
import { type Auth, type Endpoint, endpoint, type Method, type Nothing, type Options } from './endpoint.ts'

type Declared<P extends TSchema, Q extends TSchema, B extends TSchema, R extends TSchema, A extends Auth> = Omit<
  Options<P, Q, B, R, A>,
  'spec'
> & { spec?: string }

const SITE = 'https://spec.matrix.org/v1.19'
const V3 = '/_matrix/client/v3/'

/** An endpoint of the client-server API. A v3 path is served at r0 too, where clients from before Matrix 1.1 call it. */
export function clientEndpoint<
  P extends TSchema = Nothing,
  Q extends TSchema = Nothing,
  B extends TSchema = Nothing,
  R extends TSchema = Nothing,
  A extends Auth = Auth,
>(method: Method, path: string, options: Declared<P, Q, B, R, A>): Endpoint<P, Q, B, R, A> {
  const alsoAt = [path, ...(options.alsoAt ?? [])].flatMap((at) => (at.startsWith(V3) ? [at, at.replace('/v3/', '/r0/')] : [at]))
  return endpoint(method, path, {
    spec: `${SITE}/client-server-api/${anchor(method, path)}`,
    ...options,
    alsoAt: alsoAt.slice(1),
  })
}

/** An endpoint of the server-server API: calls count against the calling server. */
export function serverEndpoint<
  P extends TSchema = Nothing,
  Q extends TSchema = Nothing,
  B extends TSchema = Nothing,
  R extends TSchema = Nothing,
  A extends Auth = Auth,
>(method: Method, path: string, options: Declared<P, Q, B, R, A>): Endpoint<P, Q, B, R, A> {
  return endpoint(method, path, {
    spec: `${SITE}/server-server-api/${anchor(method, path)}`,
    rateLimit: 'federation',
    ...options,
  })
}

/** The specification names the section of an endpoint after its method and path. */
function anchor(method: Method, path: string): string {
  return `#${method.toLowerCase()}${path.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '')}`
}
