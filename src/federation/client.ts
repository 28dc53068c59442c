import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '../../schemas/endpoint.ts'
import type { ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type Json } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import { textOf } from '../http/body.ts'
import { type Outbound, OutboundError, type OutboundFailure, type OutboundResponse } from '../http/outbound.ts'
import { Check } from '../http/validate.ts'
import type { SigningKey } from '../protocol/signing.ts'
import { parseLossless } from '../protocol/strict-json.ts'
import { requestToSign, signRequest } from '../protocol/xmatrix.ts'
import type { HostAndPort, ServerAddress } from './discovery.ts'
import { FederationError, type FederationFailure } from './errors.ts'
import type { ServerResolver } from './resolve-server.ts'
import type { RetryGate } from './retry-gate.ts'
import { uriOf } from './uri.ts'

export interface FederationClientOptions {
  readonly serverName: ServerName
  readonly signingKey: SigningKey
  readonly outbound: Pick<Outbound, 'request'>
  readonly resolver: Pick<ServerResolver, 'resolve'>
  /** Shared with the sender, and told of servers that sign requests to us. */
  readonly gate: RetryGate
  readonly clock: Clock
  /** Which servers may be called at all. */
  readonly mayCall: (server: ServerName) => boolean
  readonly userAgent: string
}

export interface CallInput<E extends Endpoint> {
  readonly params?: ParamsOf<E>
  readonly query?: QueryOf<E>
  readonly body?: BodyOf<E>
}

export interface CallOptions {
  /** For the whole call, looking up the server included. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** A larger answer is refused. */
  readonly maxBytes?: number
  /** Calls also a server that failed lately. */
  readonly ignoreGate?: boolean
  /** Calls also our own name, behind which there may be more than this server. */
  readonly mayBeUs?: boolean
}

/** For calls that a user waits for: a server that failed lately is tried all the same. */
export const FOR_A_USER: CallOptions = { ignoreGate: true }

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024
/** Where the next address of the same server may do better. */
const TRY_NEXT: ReadonlySet<OutboundFailure> = new Set(['failed', 'timeout', 'denied-address'])

/** Calls the endpoints of other servers. */
export class FederationClient {
  readonly #options: FederationClientOptions
  readonly #checks = new Map<Endpoint, Check>()

  constructor(options: FederationClientOptions) {
    this.#options = options
  }

  /**
   * Calls `endpoint` of `server`, signed where the declaration wants a server's signature, and gives its answer: parsed
   * without loss, checked against the declaration.
   * @throws {FederationError}
   */
  async call<E extends Endpoint>(
    endpoint: E,
    server: ServerName,
    input: CallInput<E> = {},
    options: CallOptions = {},
  ): Promise<ResponseOf<E>> {
    this.#assertOpen(server, options)
    const response = await this.#request(endpoint, server, input, options)
    const { status } = response
    const body = jsonOf(response.body)
    if (status < 200 || status > 299) {
      throw new FederationError(server, 'refused', `it answered ${status}`, { status, body: isJsonObject(body) ? body : {} })
    }
    if (!this.#isAnswer(endpoint, body)) throw new FederationError(server, 'malformed', this.#fault(endpoint, body))
    return body
  }

  #assertOpen(server: ServerName, { ignoreGate = false, mayBeUs = false }: CallOptions): void {
    const { serverName, mayCall, gate } = this.#options
    if (server === serverName && !mayBeUs) throw new FederationError(server, 'denied', 'that is this server')
    if (!mayCall(server)) throw new FederationError(server, 'denied', 'federation with it is not allowed')
    const waitMs = ignoreGate ? 0 : gate.waitMs(server)
    if (waitMs > 0)
      throw new FederationError(server, 'backing-off', `it failed lately and is tried again in ${Math.ceil(waitMs / 1_000)} s`)
  }

  /** Sends the request and keeps the gate informed. An answer with any other status than 429 and 5xx is a sign of life. */
  async #request(
    endpoint: Endpoint,
    server: ServerName,
    input: CallInput<Endpoint>,
    options: CallOptions,
  ): Promise<OutboundResponse> {
    const { gate, clock } = this.#options
    const startedAt = clock.now()
    try {
      const response = await this.#send(endpoint, server, input, options)
      if (response.status === 429 || response.status >= 500) gate.failed(server, startedAt)
      else gate.alive(server)
      return response
    } catch (cause) {
      if (cause instanceof FederationError && cause.failure === 'unreachable') gate.failed(server, startedAt)
      throw cause
    }
  }

  async #send(
    endpoint: Endpoint,
    server: ServerName,
    input: CallInput<Endpoint>,
    options: CallOptions,
  ): Promise<OutboundResponse> {
    const { outbound, resolver } = this.#options
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, signal } = options
    const deadline = performance.now() + timeoutMs
    const address = await resolver.resolve(server)
    if ('unresolvable' in address) throw new FederationError(server, 'unreachable', address.unresolvable)
    const { method } = endpoint
    const uri = uriOf(endpoint, input.params ?? {}, input.query ?? {})
    const body = input.body === undefined ? {} : { body: JSON.stringify(input.body) }
    const headers = this.#headers(endpoint, server, uri, address, input.body)
    return tryEach(server, address.targets, ({ host, port }) => {
      const left = Math.max(1, deadline - performance.now())
      const target = { host, port, servername: address.servername, path: uri }
      return outbound.request({ ...target, method, headers, ...body, maxBytes, timeoutMs: left, ...(signal && { signal }) })
    })
  }

  #headers(
    endpoint: Endpoint,
    server: ServerName,
    uri: string,
    { hostHeader }: ServerAddress,
    body: unknown,
  ): Record<string, string> {
    const { serverName, signingKey, userAgent } = this.#options
    const headers: Record<string, string> = { host: hostHeader, 'user-agent': userAgent, accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (endpoint.auth !== 'server') return headers
    const request = requestToSign(endpoint.method, uri, serverName, server, isJsonObject(body) ? body : undefined)
    return { ...headers, authorization: signRequest(request, signingKey) }
  }

  #isAnswer<E extends Endpoint>(endpoint: E, body: unknown): body is ResponseOf<E> {
    return this.#checkOf(endpoint).passes(body)
  }

  #fault(endpoint: Endpoint, body: unknown): string {
    if (body === undefined) return 'its answer is no JSON'
    const { missing, place, reason } = this.#checkOf(endpoint).failure(body)
    return `its answer is not as specified: ${missing === undefined ? `${place} ${reason}` : `${missing} is missing`}`
  }

  #checkOf(endpoint: Endpoint): Check {
    const check = this.#checks.get(endpoint) ?? new Check(endpoint.response)
    this.#checks.set(endpoint, check)
    return check
  }
}

/** The first answer that one of the addresses gives. */
async function tryEach(
  server: ServerName,
  targets: readonly HostAndPort[],
  request: (target: HostAndPort) => Promise<OutboundResponse>,
): Promise<OutboundResponse> {
  const last = targets.length - 1
  for (const [index, target] of targets.entries()) {
    try {
      return await request(target)
    } catch (cause) {
      if (!(cause instanceof OutboundError)) throw cause
      if (index === last || !TRY_NEXT.has(cause.failure)) throw federationError(server, cause)
    }
  }
  throw new FederationError(server, 'unreachable', 'it has no address')
}

function federationError(server: ServerName, cause: OutboundError): FederationError {
  const known: Partial<Record<OutboundFailure, FederationFailure>> = { aborted: 'aborted', 'too-large': 'malformed' }
  const failure = known[cause.failure] ?? 'unreachable'
  const reason = cause.cause instanceof Error ? `: ${cause.cause.message}` : ''
  const error = new FederationError(server, failure, `no answer (${cause.failure}${reason})`)
  error.cause = cause
  return error
}

/** The JSON of a body; undefined where it is none. */
function jsonOf(body: Buffer): Json | undefined {
  try {
    return parseLossless(textOf(body))
  } catch (cause) {
    if (cause instanceof MatrixError) return undefined
    throw cause
  }
}
