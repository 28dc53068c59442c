/** The HTTP edge: a koa app for each listener, over one table of routes. */
import { type IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import Koa from 'koa'
import type { Logger } from '../core/logger.ts'
import { randomLetters } from '../core/random.ts'
import { logAccess, type Observation } from './access-log.ts'
import type { Authenticators } from './authenticate.ts'
import { Call, type CallContext } from './call.ts'
import { clientAddresses } from './client-address.ts'
import { PREFLIGHT_HEADERS } from './cors.ts'
import { errorResponse } from './error-exit.ts'
import { type Stages, serve } from './mount.ts'
import { OpenCalls } from './open-calls.ts'
import type { RateLimiter } from './rate-limit.ts'
import { type Headers, RawResponse } from './reply.ts'
import type { Resource } from './resources.ts'
import { Router } from './router.ts'
import type { Route } from './route.ts'
import { assertMaySwitch, SwitchingProtocols, WebSockets } from './web-socket.ts'
import { writeAnswer } from './write-answer.ts'

export interface HttpOptions {
  readonly routes: readonly Route[]
  readonly authenticators: Authenticators
  readonly rateLimiter: RateLimiter
  readonly log: Logger
  /** Ranges of reverse proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[]
  /** Accept `?access_token=`; on unless said otherwise. */
  readonly queryTokens?: boolean
  readonly bodyTimeoutMs?: number
  /** A client that takes nothing of an answer for so long is given up, and the memory that the answer takes with it. */
  readonly stallTimeoutMs?: number
  /** Is told of answers that are not as declared, which are errors then; without it answers are not checked. */
  readonly onUndeclared?: ((mistake: string) => void) | undefined
  readonly onRequest?: (observation: Observation) => void
}

/** What listens to the events of a node:http server. */
export interface HttpListener {
  readonly request: RequestListener
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface HttpApp {
  /** For a node:http server that offers these resources; everything else is 404 there. */
  listener(resources: readonly Resource[]): HttpListener
  /**
   * Ends all requests, now and from now on, and tells clients with each answer that the connection closes.
   * Resolves when no request is open.
   */
  stop(): Promise<void>
}

const BODY_TIMEOUT_MS = 30_000
const STALL_TIMEOUT_MS = 120_000

export function createHttpApp(options: HttpOptions): HttpApp {
  return new Edge(options)
}

class Edge implements HttpApp {
  readonly #options: HttpOptions
  readonly #router: Router
  readonly #stages: Stages
  readonly #open = new OpenCalls()
  readonly #webSockets = new WebSockets()
  readonly #context: CallContext
  readonly #nextRequestId = requestIds()

  constructor(options: HttpOptions) {
    this.#options = options
    this.#router = new Router(options.routes)
    this.#context = { addressOf: clientAddresses(options.trustedProxies ?? []), open: this.#open }
    this.#stages = {
      authenticators: options.authenticators,
      rateLimiter: options.rateLimiter,
      log: options.log,
      queryTokens: options.queryTokens ?? true,
      bodyTimeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
      onUndeclared: options.onUndeclared,
    }
  }

  listener(resources: readonly Resource[]): HttpListener {
    const { log } = this.#options
    const offered = new Set(resources)
    const koa = new UnwatchedKoa()
    koa.on('error', (err: Error) => logBroken(log, err))
    koa.use(async (ctx) => {
      // Written by write-answer.ts, which shares bytes and writes parts without joining them.
      ctx.respond = false
      await this.#serve(ctx.req, ctx.res, offered)
    })
    return {
      request: koa.callback(),
      upgrade: (req, socket, head) => {
        this.#upgrade(req, socket, head, offered).catch((err: Error) => {
          logBroken(log, err)
          socket.destroy()
        })
      },
    }
  }

  stop(): Promise<void> {
    return this.#open.stop()
  }

  async #serve(req: IncomingMessage, res: ServerResponse, offered: ReadonlySet<Resource>): Promise<void> {
    this.#open.enter(res)
    const call = new Call(req, res, this.#nextRequestId(), this.#context)
    const response = await this.#answer(call, offered, false)
    // Until the connection's next request.
    res.setTimeout(this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS)
    await writeAnswer(res, response, this.#headers(call, this.#open.isStopping))
    this.#observe(call, response.status)
  }

  /** Until the protocol is switched, a call that asks for it is one like any other, on a connection that serves no more of them. */
  async #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, offered: ReadonlySet<Resource>): Promise<void> {
    const res = new ServerResponse(req)
    res.assignSocket(req.socket)
    // A connection that breaks meanwhile is everyday.
    socket.on('error', () => undefined)
    this.#open.enter(socket)
    const call = new Call(req, res, this.#nextRequestId(), this.#context)
    const response = await this.#answer(call, offered, true)
    if (response instanceof SwitchingProtocols) {
      res.detachSocket(req.socket)
      this.#webSockets.accept(req, socket, head, response, this.#open.endingOf(socket))
    } else {
      res.once('finish', () => req.socket.destroySoon())
      await writeAnswer(res, response, this.#headers(call, true))
    }
    this.#observe(call, response.status)
  }

  async #answer(call: Call, offered: ReadonlySet<Resource>, isUpgrade: boolean): Promise<RawResponse> {
    try {
      if (call.method === 'OPTIONS') return new RawResponse(204, PREFLIGHT_HEADERS)
      const match = this.#router.find(call.method, call.req.url ?? '/', offered)
      call.endpoint = match.mounted.route.endpoint
      call.params = match.params
      const response = await serve(match.mounted, call, match.queryText, this.#stages)
      if (response instanceof SwitchingProtocols) assertMaySwitch(call.req, response, isUpgrade)
      return response
    } catch (cause) {
      return errorResponse(cause, call, this.#options.log)
    }
  }

  #headers({ requestId }: Call, isLast: boolean): Headers {
    return { 'X-Request-Id': requestId, ...(isLast && { Connection: 'close' }) }
  }

  #observe(call: Call, status: number): void {
    const { log, onRequest } = this.#options
    const seconds = (performance.now() - call.startedAt) / 1000
    logAccess(log, call, status, seconds)
    onRequest?.({ route: call.routePath, method: call.method, status, seconds })
  }
}

/** Koa without its watch over each response, which finds nothing that node:http does not end by itself, and is dear: see docs/adr/0008. */
class UnwatchedKoa extends Koa {
  handleRequest(ctx: Koa.Context, handle: (ctx: Koa.Context) => Promise<void>): Promise<void> {
    return handle(ctx).catch((err: Error) => ctx.onerror(err))
  }
}

/** Connections that broke, which is everyday, and answers that could not be written, which is our mistake. */
function logBroken(log: Logger, err: Error): void {
  const broken = 'code' in err && (err.code === 'ECONNRESET' || err.code === 'EPIPE' || err.code === 'ECONNABORTED')
  if (broken) log.debug({ err }, 'A connection broke')
  else log.error({ err }, 'An answer could not be sent')
}

/** Short, and different from those of the last start. */
function requestIds(): () => string {
  const start = randomLetters(4)
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
