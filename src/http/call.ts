/** One HTTP request on its way through the edge. What handlers see of it is `Request`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Endpoint } from '../../schemas/endpoint.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Ending } from '../core/ending.ts'
import { boundedStream } from './body.ts'
import type { OpenCalls } from './open-calls.ts'
import type { RequesterOf, Request } from './route.ts'

/** What calls of one app share. */
export interface CallContext {
  readonly addressOf: (request: IncomingMessage) => string
  readonly open: OpenCalls
}

/** The fields that are not readonly are filled in by mount.ts, stage by stage. */
export class Call implements Request {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly requestId: string
  /** From `performance.now()`. */
  readonly startedAt = performance.now()
  params: unknown = {}
  query: unknown = {}
  /** The parsed body; undefined where the endpoint declares none. */
  body: JsonObject | undefined
  bodyText = ''
  requester: RequesterOf<Endpoint> = undefined
  authenticateAgain: () => Promise<RequesterOf<Endpoint>> = async () => undefined
  /** The declaration that serves it; undefined where there is none. */
  endpoint: Endpoint | undefined
  readonly #context: CallContext

  constructor(req: IncomingMessage, res: ServerResponse, requestId: string, context: CallContext) {
    this.req = req
    this.res = res
    this.requestId = requestId
    this.#context = context
  }

  get method(): string {
    return this.req.method ?? ''
  }

  /** The declared path, such as `/_matrix/client/v3/rooms/:roomId/join`: it names no user, room or token. */
  get routePath(): string | undefined {
    return this.endpoint?.path
  }

  get address(): string {
    return this.#context.addressOf(this.req)
  }

  get userAgent(): string | undefined {
    return this.req.headers['user-agent']
  }

  get ending(): Ending {
    return this.#context.open.endingOf(this.res)
  }

  header(name: string): string | undefined {
    const value = this.req.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  stream(): Readable {
    return boundedStream(this.req, this.endpoint?.maxBody ?? 0)
  }
}
