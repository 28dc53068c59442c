/** How many TCP connections one address may have, and all of them together. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempDisposable } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { jsonObject } from '../../schemas/definitions.ts'
import { endpoint } from '../../schemas/endpoint.ts'
import { type ConnectionLimits, Connections } from '../../src/http/connections.ts'
import { respond } from '../../src/http/reply.ts'
import { route } from '../../src/http/route.ts'
import { testHomeserver } from '../support/homeserver.ts'
import { freePorts } from '../support/ports.ts'
import { certificateIn, recordingLog, testServer } from './support.ts'

const PATH = '/_matrix/client/versions'
const hello = route(endpoint('GET', PATH, { auth: 'none', response: jsonObject(), spec: '' }), async () => respond(200, {}))

async function serverWith(limits: Partial<ConnectionLimits>) {
  const { log, lines } = recordingLog()
  const connections = new Connections({ maxOfAddress: 1_000, unbounded: [], openFiles: 1_000, ...limits }, log)
  return { ...(await testServer([hello], { connections })), connections, told: lines }
}

/** A connection on which the server answers; the next requests go over it too. */
class Client implements Disposable {
  readonly #socket: Socket
  readonly #closed: Promise<void>

  constructor(socket: Socket) {
    this.#socket = socket
    // How it ends is no matter.
    socket.on('error', () => undefined)
    this.#closed = new Promise((done) => socket.once('close', () => done()))
  }

  /** Whether it is served. */
  async asks(): Promise<boolean> {
    this.#socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const answer = new Promise<boolean>((served) => {
      this.#socket.once('data', (data) => served(String(data).startsWith('HTTP/1.1 200')))
    })
    return Promise.race([answer, this.#closed.then(() => false)])
  }

  async end(): Promise<void> {
    this.#socket.end()
    await this.#closed
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

const from = (address: string, port: number, host = '127.0.0.1') =>
  new Client(connect({ host, port, ...(address !== '' && { localAddress: address }) }))

test('an address has so many connections, and others have theirs', async () => {
  await using server = await serverWith({ maxOfAddress: 2 })
  using first = from('127.0.0.1', server.port)
  using second = from('127.0.0.1', server.port)
  assert.deepEqual([await first.asks(), await second.asks()], [true, true])
  for (let i = 0; i < 3; i++) assert.equal(await from('127.0.0.1', server.port).asks(), false)
  using neighbour = from('127.0.0.2', server.port)
  assert.equal(await neighbour.asks(), true)
  assert.deepEqual([await first.asks(), await second.asks()], [true, true], 'who is there stays')
  assert.equal(server.connections.size, 3)
  assert.deepEqual(
    server.told.map(({ level, fields }) => ({ level, ...fields })),
    [{ level: 'warn', address: '127.0.0.1', connections: 2 }],
    'once',
  )
  assert.match(server.told[0]?.message ?? '', /max_connections_per_address.*trusted_proxies/)

  await first.end()
  while (server.connections.size > 2) await setImmediate()
  using next = from('127.0.0.1', server.port)
  assert.equal(await next.asks(), true)
})

test('behind a reverse proxy everybody has one address', async () => {
  await using server = await serverWith({ maxOfAddress: 1, unbounded: ['127.0.0.0/30'] })
  const clients = Array.from({ length: 5 }, () => from('127.0.0.3', server.port))
  for (const client of clients) assert.equal(await client.asks(), true)
  for (const client of clients) await client.end()
})

test('of the files that may be open a part is kept, and who is there goes on being served', async () => {
  await using server = await serverWith({ openFiles: 4, unbounded: ['127.0.0.1'] })
  const clients = [1, 2, 3].map(() => from('127.0.0.1', server.port))
  for (const client of clients) assert.equal(await client.asks(), true)
  for (let i = 0; i < 3; i++) assert.equal(await from('127.0.0.1', server.port).asks(), false)
  for (const client of clients) assert.equal(await client.asks(), true)
  assert.deepEqual(
    server.told.map(({ level, fields }) => ({ level, ...fields })),
    [{ level: 'warn', connections: 3, openFiles: 4 }],
  )
  assert.match(server.told[0]?.message ?? '', /LimitNOFILE/)
  for (const client of clients) await client.end()
})

test('one address does not take them all', async () => {
  await using server = await serverWith({ openFiles: 8 })
  const clients = [1, 2, 3].map(() => from('127.0.0.1', server.port))
  for (const client of clients) assert.equal(await client.asks(), true)
  assert.equal(await from('127.0.0.1', server.port).asks(), false)
  for (const client of clients) await client.end()
})

test('over TLS, one too many is closed before the handshake', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'causeway-tls-'))
  const { tls, authorityPem } = await certificateIn(folder.path)
  const connections = new Connections({ maxOfAddress: 1, unbounded: [], openFiles: 1_000 }, recordingLog().log)
  await using server = await testServer([hello], { tls, connections })
  const open = () => new Client(connectTls({ host: '127.0.0.1', port: server.port, ca: authorityPem }))
  for (let round = 0; round < 2; round++) {
    const first = open()
    assert.equal(await first.asks(), true)
    assert.equal(await open().asks(), false)
    assert.equal(await first.asks(), true)
    await first.end()
    while (connections.size > 0) await setImmediate()
  }
})

const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

test('a homeserver bounds other machines and not its own', { skip: outside === undefined }, async () => {
  const [port = 0] = await freePorts(1)
  const listeners = [{ address: '0.0.0.0', port }]
  await using _ = await testHomeserver({ config: { listeners, max_connections_per_address: 1 } })
  using local = from('', port)
  using another = from('', port)
  assert.deepEqual([await local.asks(), await another.asks()], [true, true])
  using far = from('', port, outside)
  assert.equal(await far.asks(), true)
  assert.equal(await from('', port, outside).asks(), false)
  assert.equal(await far.asks(), true)
})

test('what the system allows is known', { skip: process.platform !== 'linux' }, async () => {
  const script = `import(${JSON.stringify(resolve(import.meta.dirname, '../../src/core/open-files.ts'))}).then((m) => console.log(m.openFilesLimit()))`
  const { stdout } = await promisify(execFile)('sh', ['-c', `ulimit -n 300 && exec "$0" -e "$1"`, process.execPath, script])
  assert.equal(stdout, '300\n')
})
