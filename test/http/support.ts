/** A real server on a free port with given routes, and a way to call it. */
import { writeFile } from 'node:fs/promises'
import { request as send } from 'node:http'
import { join } from 'node:path'
import type { UserId } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { createDevCa } from '../../src/core/dev-ca.ts'
import { unknownToken } from '../../src/core/errors.ts'
import type { Logger, LogLevel } from '../../src/core/logger.ts'
import type { Requester } from '../../src/core/requester.ts'
import type { Authenticators, SignedCall } from '../../src/http/authenticate.ts'
import type { Connections } from '../../src/http/connections.ts'
import { startListeners } from '../../src/http/listeners.ts'
import { RateLimiter, type RateLimits } from '../../src/http/rate-limit.ts'
import type { Route } from '../../src/http/route.ts'
import { createHttpApp, type HttpOptions } from '../../src/http/server.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly json: JsonObject
}

export interface CallOptions {
  readonly token?: string
  readonly headers?: Record<string, string | string[]>
  /** Sent as it is; an object as JSON. */
  readonly body?: string | Buffer | JsonObject
}

export interface LogLine {
  readonly level: LogLevel
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

const all = { perSecond: 1, burst: 3 }
export const LIMITS: RateLimits = {
  enabled: false,
  message: all,
  login: all,
  registration: all,
  join: all,
  invite: all,
  roomCreation: all,
  read: all,
  write: all,
  device: { perSecond: 1, burst: 50 },
  socket: all,
  unknownToken: all,
  federation: all,
}

export const ALICE: Requester = {
  userId: '@alice:example.org' as UserId,
  deviceId: undefined,
  userNid: 1,
  deviceNid: undefined,
  isGuest: false,
  isAdmin: false,
}

/** `tokens` says who bears which token. Servers are believed: the origin is what stands in their header. */
export function authenticators(tokens: Record<string, Requester>, signed: SignedCall[] = []): Authenticators {
  return {
    client: async (token) => {
      const requester = tokens[token]
      if (requester === undefined) throw unknownToken()
      return requester
    },
    server: async (call) => {
      signed.push(call)
      return 'remote.example.org' as never
    },
  }
}

export function recordingLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: LogLevel) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ level, fields, message })
  const log = {
    fatal: at('fatal'),
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    isLevelEnabled: () => true,
  }
  return { log, lines }
}

export interface TestServerOptions extends Partial<HttpOptions> {
  readonly connections?: Connections
  /** Paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

export async function testServer(routes: readonly Route[], { connections, tls, ...options }: TestServerOptions = {}) {
  const { log, lines } = recordingLog()
  const mistakes: string[] = []
  const app = createHttpApp({
    routes,
    authenticators: authenticators({ alice: ALICE }),
    rateLimiter: new RateLimiter(LIMITS, { now: () => 0 }),
    log,
    onUndeclared: (mistake) => mistakes.push(mistake),
    ...options,
  })
  const listening = await startListeners(
    [{ address: '127.0.0.1', port: 0, resources: ['client', 'federation', 'media', 'admin', 'metrics'], ...(tls && { tls }) }],
    app,
    connections,
  )
  const port = listening.at[0]?.port ?? 0
  return {
    port,
    lines,
    /** Answers that were not as declared. */
    mistakes,
    listening,
    call: (method: string, path: string, call: CallOptions = {}) => callServer(port, method, path, call),
    [Symbol.asyncDispose]: () => listening.close(0),
  }
}

/** One request on its own connection. The path is sent as it is. */
export function callServer(port: number, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const { token, body } = options
  const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...options.headers }
  return new Promise((resolve, reject) => {
    const request = send({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) })
      })
    })
    request.once('error', reject)
    request.end(typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body)
  })
}

function jsonOf(text: string): JsonObject {
  if (!text.startsWith('{')) return {}
  const value: unknown = JSON.parse(text)
  return isJsonObject(value) ? value : {}
}

/** A certificate for this machine in files of a folder, as the configuration names them, with the authority that issued it. */
export async function certificateIn(
  folder: string,
): Promise<{ tls: { certificate: string; key: string }; authorityPem: string }> {
  const tls = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  const ca = await createDevCa()
  const issued = await ca.issue(['localhost', '127.0.0.1'])
  await writeFile(tls.certificate, issued.certificatePem)
  await writeFile(tls.key, issued.keyPem)
  return { tls, authorityPem: ca.certificatePem }
}
