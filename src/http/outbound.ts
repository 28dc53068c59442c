/** Requests to others: other homeservers, push gateways, application services, previews. */
import { type IncomingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http'
import { MatrixError } from '../core/errors.ts'
import type { Names } from './names.ts'
import { type ConnectOptions, ConnectionPools, type Origin } from './outbound-pools.ts'

export interface OutboundOptions extends ConnectOptions {}

/** Where a request goes: a URL, or (always over TLS) an address that is not the name which the certificate must be for. */
export type Target =
  | { readonly url: string }
  | {
      /** Name or IP address to connect to, without brackets. */
      readonly host: string
      readonly port: number
      /** What the certificate must be for; also sent as SNI unless it is an IP address. */
      readonly servername: string
      /** Path and query string. */
      readonly path: string
    }

export type OutboundRequest = Target & {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** A `host` header replaces the one that follows from the target. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** A larger answer is an error. */
  readonly maxBytes: number
  /** From the look-up of the name to the last byte of the answer. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface OutboundResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type OutboundFailure =
  /** The name leads only to addresses that are denied. */
  | 'denied-address'
  | 'timeout'
  /** The caller's signal. */
  | 'aborted'
  | 'too-large'
  /** The URL, or a header. */
  | 'bad-request'
  /** No connection, a bad certificate, a broken answer: see `cause`. */
  | 'failed'

/** Uncaught, it is a 502. */
export class OutboundError extends MatrixError {
  override name = 'OutboundError'
  readonly failure: OutboundFailure
  /** For the log: the client is not told to which address a name has led. */
  readonly where: string

  constructor(failure: OutboundFailure, where: string, cause?: unknown) {
    super(502, 'M_UNKNOWN', `Another server could not be reached (${failure})`)
    this.failure = failure
    this.where = where
    this.cause = cause
  }
}

export interface Outbound extends AsyncDisposable {
  /** Any status is an answer, also that which says to go elsewhere; throws OutboundError where there is none. */
  request(request: OutboundRequest): Promise<OutboundResponse>
}

/** Opens nothing yet. Connections are kept and used again; disposing of it closes them. Throws where a CA file cannot be read. */
export function createOutbound(options: OutboundOptions, names: Pick<Names, 'addresses'>): Outbound {
  const pools = new ConnectionPools(options, names)
  return {
    request: (request) => send(pools, request),
    [Symbol.asyncDispose]: () => pools.close(),
  }
}

async function send(pools: ConnectionPools, request: OutboundRequest): Promise<OutboundResponse> {
  using deadline = new Deadline(request.timeoutMs, request.signal)
  const { origin, path } = resolve(request)
  const { method, headers = {}, body = null, maxBytes } = request
  if (!isSendable(path, headers)) throw new OutboundError('bad-request', origin.url)
  const { signal } = deadline
  try {
    const answer = await deadline.bound(pools.of(origin).request({ method, path, headers, body, signal }))
    const { statusCode: status } = answer
    return { status, headers: answer.headers, body: await readAll(answer.body, maxBytes) }
  } catch (cause) {
    throw new OutboundError(deadline.failure ?? failureOf(cause), origin.url, cause)
  }
}

function resolve(target: Target): { origin: Origin; path: string } {
  if ('host' in target) {
    const host = target.host.includes(':') ? `[${target.host}]` : target.host
    return { origin: { url: `https://${host}:${target.port}`, servername: target.servername }, path: target.path }
  }
  const url = URL.parse(target.url)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new OutboundError('bad-request', target.url)
  return { origin: { url: url.origin, servername: undefined }, path: url.pathname + url.search }
}

/** What undici refuses while it is sent leaves a connection behind that is taken for busy for ever: a few, and no request gets through. */
function isSendable(path: string, headers: Readonly<Record<string, string>>): boolean {
  if (NOT_IN_PATHS.test(path)) return false
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }
    return true
  } catch {
    return false
  }
}

const NOT_IN_PATHS = /[^\x21-\xff]/

/** A body that is too large is not read to its end: the connection is closed. */
async function readAll(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new TooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

class TooLarge extends Error {}

function failureOf(cause: unknown): OutboundFailure {
  if (cause instanceof TooLarge) return 'too-large'
  if (!(cause instanceof Error) || !('code' in cause)) return 'failed'
  if (cause.code === 'ERR_DENIED_ADDRESS') return 'denied-address'
  return cause.code === 'UND_ERR_CONNECT_TIMEOUT' ? 'timeout' : 'failed'
}

/** One signal for the caller's and for the time that is left. */
class Deadline implements Disposable {
  readonly #controller = new AbortController()
  readonly #ended = Promise.withResolvers<never>()
  readonly #timer: NodeJS.Timeout
  readonly #outer: AbortSignal | undefined
  failure: 'timeout' | 'aborted' | undefined

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer
    this.#ended.promise.catch(() => undefined)
    this.#timer = setTimeout(() => this.#end('timeout'), timeoutMs)
    if (outer?.aborted) this.#end('aborted')
    outer?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What undici keeps waiting for a connection does not hear of the signal. */
  bound<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#ended.promise])
  }

  readonly #onAbort = (): void => this.#end('aborted')

  #end(failure: 'timeout' | 'aborted'): void {
    this.failure ??= failure
    this.#controller.abort()
    this.#ended.reject(this.#controller.signal.reason)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#onAbort)
  }
}
