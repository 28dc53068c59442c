/** Finds out who calls. What tokens and signatures mean is decided by the authenticators that app.ts injects. */
import type { Auth, Endpoint } from '../../schemas/endpoint.ts'
import type { ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { forbidden, guestForbidden, missingToken, unauthorised } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Call } from './call.ts'
import { offeredProtocols } from './web-socket.ts'
import type { RequesterOf } from './route.ts'

/** From where an access token is used, for the device's "last seen". */
export interface ClientCall {
  readonly address: string
  readonly userAgent: string | undefined
  /** The declared path: a locked account may still log out. */
  readonly routePath: string | undefined
}

/** What another server's signature covers. https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
export interface SignedCall {
  /** The Authorization headers as they came, at least one. */
  readonly authorization: readonly string[]
  readonly method: string
  /** Path and query string as sent. */
  readonly uri: string
  /** Undefined where the request has no body. */
  readonly content: JsonObject | undefined
  /** The body's text, for numbers that `content` cannot hold as they came; empty where there is none. */
  readonly bodyText: string
}

export interface Authenticators {
  /** Throws M_UNKNOWN_TOKEN, M_USER_DEACTIVATED and the like. */
  client(token: string, call: ClientCall): Promise<Requester>
  /** Throws M_UNAUTHORIZED for a signature that does not hold. */
  server(call: SignedCall): Promise<ServerName>
}

/** Throws where the endpoint's `auth` is not met. For `server`, the call must have its body already. */
export async function authenticate(
  call: Call,
  endpoint: Endpoint,
  queryToken: string | undefined,
  by: Authenticators,
): Promise<RequesterOf<Endpoint>> {
  if (endpoint.auth === 'none') return undefined
  if (endpoint.auth === 'server') return { origin: await by.server(signedCall(call)) }
  const token = bearerOf(call) ?? protocolToken(call) ?? queryToken
  if (token === undefined) {
    if (endpoint.auth === 'optional-access-token') return undefined
    throw missingToken()
  }
  const requester = await by.client(token, call)
  assertMayCall(requester, endpoint.auth, endpoint.guests)
  return requester
}

function assertMayCall(requester: Requester, auth: Auth, guests: boolean): void {
  if (requester.isGuest && !guests) throw guestForbidden()
  if (auth === 'admin' && !requester.isAdmin) throw forbidden('Only server admins may do this')
  if (auth === 'app-service' && requester.appServiceId === undefined) throw forbidden('Only application services may do this')
}

const BEARER = /^Bearer +([^\s]+)\s*$/i

function bearerOf(call: Call): string | undefined {
  const header = call.req.headers.authorization
  return header === undefined ? undefined : BEARER.exec(header)?.[1]
}

/** Browsers can set no header of a WebSocket but the list of subprotocols. */
const TOKEN_PROTOCOL = 'chat.causeway.token.'

function protocolToken(call: Call): string | undefined {
  const offered = call.req.headers['sec-websocket-protocol']
  if (offered === undefined) return undefined
  return offeredProtocols(offered)
    .find((name) => name.startsWith(TOKEN_PROTOCOL))
    ?.slice(TOKEN_PROTOCOL.length)
}

function signedCall(call: Call): SignedCall {
  const authorization = call.req.headersDistinct.authorization
  if (authorization === undefined) throw unauthorised('The request is not signed')
  const { method, bodyText } = call
  return { authorization, method, uri: call.req.url ?? '', content: bodyText === '' ? undefined : call.body, bodyText }
}
