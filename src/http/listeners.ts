/** Sockets: plain and TLS listeners, and how they stop. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Connections } from './connections.ts'
import type { Resource } from './resources.ts'
import type { HttpApp } from './server.ts'

export interface ListenerSettings {
  /** IP address, or a host name. */
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  /** Paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly resources: readonly Resource[]
}

export interface ListeningAt {
  readonly address: string
  readonly port: number
  readonly tls: boolean
}

export interface Listening extends AsyncDisposable {
  /** In the order of the settings, with the ports that were taken. */
  readonly at: readonly ListeningAt[]
  /** Stops accepting, ends what open requests wait for, waits for their answers up to `graceMs`, then closes all sockets. */
  close(graceMs: number): Promise<void>
}

/** Against clients that hold connections by sending slowly. */
const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 30_000,
  // Uploads arrive through slow links too; the bodies of other requests have their own, shorter limit.
  requestTimeout: 600_000,
  connectionsCheckingInterval: 10_000,
  // Longer than the minute that reverse proxies keep theirs, so that it is they who close.
  keepAliveTimeout: 75_000,
  maxHeaderSize: 32 * 1024,
  noDelay: true,
  // Whatever else a client would like to speak, it is answered in HTTP.
  shouldUpgradeCallback: ({ method, headers }: IncomingMessage) =>
    method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
}

const HANDSHAKE_TIMEOUT_MS = 30_000
const GRACE_MS = 10_000

/**
 * Rejects where an address or a certificate cannot be used; then nothing listens.
 * @param connections counts what comes, and ends what is too much; without it any number may come
 */
export async function startListeners(
  settings: readonly ListenerSettings[],
  app: HttpApp,
  connections?: Pick<Connections, 'take'>,
): Promise<Listening> {
  await using started = new AsyncDisposableStack()
  const servers: Server[] = []
  const upgraded = new Set<Duplex>()
  const at: ListeningAt[] = []
  for (const listener of settings) {
    const server = await createListener(listener, app)
    started.defer(async () => void server.close())
    if (connections) server.prependListener('connection', connections.take)
    server.listen({ host: listener.address, port: listener.port, backlog: 1024 })
    await once(server, 'listening')
    servers.push(server)
    server.on('upgrade', (_, socket) => {
      upgraded.add(socket)
      socket.once('close', () => upgraded.delete(socket))
    })
    at.push({ address: listener.address, port: portOf(server), tls: listener.tls !== undefined })
  }
  started.move()
  const close = (graceMs: number) => closeAll(servers, upgraded, app, graceMs)
  return { at, close, [Symbol.asyncDispose]: () => close(GRACE_MS) }
}

async function createListener(listener: ListenerSettings, app: HttpApp): Promise<Server> {
  const { request, upgrade } = app.listener(listener.resources)
  return (await serverOf(listener.tls)).on('request', request).on('upgrade', upgrade)
}

async function serverOf(tls: ListenerSettings['tls']): Promise<Server> {
  if (tls === undefined) return createServer(SERVER_OPTIONS)
  const [cert, key] = await Promise.all([readFile(tls.certificate), readFile(tls.key)])
  return createTlsServer({ ...SERVER_OPTIONS, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, cert, key })
}

async function closeAll(servers: readonly Server[], upgraded: ReadonlySet<Duplex>, app: HttpApp, graceMs: number): Promise<void> {
  const closed = servers.filter((server) => server.listening).map((server) => once(server, 'close'))
  for (const server of servers) server.close()
  const { promise: graceOver, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, graceMs)
  await Promise.race([app.stop(), graceOver])
  clearTimeout(timer)
  // What is open still is too slow, or has never sent a request.
  for (const server of servers) server.closeAllConnections()
  for (const socket of upgraded) socket.destroy()
  await Promise.all(closed)
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
