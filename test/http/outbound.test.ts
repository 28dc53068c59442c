import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, type Socket, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TLSSocket } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { createDevCa } from '../../src/core/dev-ca.ts'
import { Names } from '../../src/http/names.ts'
import { createOutbound as createOutboundWith, type OutboundOptions, type OutboundRequest } from '../../src/http/outbound.ts'

const OPEN: OutboundOptions = { customCaFiles: [], verifyTls: true, ipRangeDenylist: [] }
const NAMES = new Names({ clock: systemClock })
const createOutbound = (options: OutboundOptions, names = NAMES) => createOutboundWith(options, names)
const LIMITS = { maxBytes: 1000, timeoutMs: 60_000 }

async function listen(server: Server): Promise<AsyncDisposable & { port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void server.close().closeAllConnections(),
  }
}

const plain = (handler: RequestListener) => listen(createServer(handler))

/** A TLS server for `names`, with an authority's file to trust. */
async function tls(folder: string, names: string[], handler: RequestListener) {
  const ca = await createDevCa()
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, ca.certificatePem)
  const { certificatePem, keyPem } = await ca.issue(names)
  const server = await listen(createTlsServer({ cert: certificatePem, key: keyPem }, handler))
  return { server, caFile }
}

const get = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest =>
  ({ method: 'GET', url, ...LIMITS, ...more }) as OutboundRequest

test('method, headers and body go out, status, headers and body come back', async () => {
  await using server = await plain((req, res) => {
    res.writeHead(418, { 'x-got': `${req.method} ${req.url} ${req.headers['x-a']}` })
    req.pipe(res)
  })
  await using outbound = createOutbound(OPEN)
  const url = `http://127.0.0.1:${server.port}/a%2Fb?c=d`
  const answer = await outbound.request({ method: 'PUT', url, headers: { 'x-a': '1' }, body: 'content', ...LIMITS })
  assert.equal(answer.status, 418)
  assert.equal(answer.headers['x-got'], 'PUT /a%2Fb?c=d 1')
  assert.equal(answer.body.toString(), 'content')
})

test('connections are used again', async () => {
  const sockets = new Set<Socket>()
  await using server = await plain((req, res) => {
    sockets.add(req.socket)
    res.end('{}')
  })
  await using outbound = createOutbound(OPEN)
  for (let i = 0; i < 10; i++) await outbound.request(get(`http://127.0.0.1:${server.port}/`))
  // The next request may come before the last connection has noticed that it is free.
  assert.ok(sockets.size <= 2)
})

test('a request that cannot be sent fails, and those after it are not held up', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'causeway-out-'))
  const { server, caFile } = await tls(folder.path, ['localhost'], (_, res) => void res.end('{}'))
  await using _server = server
  await using secure = createOutbound({ ...OPEN, customCaFiles: [caFile] })
  await using open = await plain((_, res) => void res.end('{}'))
  await using outbound = createOutbound(OPEN)
  const broken = [{ authorization: 'Bearer a\nb' }, { authorization: 'Bearer \u{1f511}' }, { 'not a name': '1' }]
  for (const [to, url] of [
    [secure, `https://localhost:${server.port}/`],
    [outbound, `http://127.0.0.1:${open.port}/`],
  ] as const) {
    for (let i = 0; i < 20; i++)
      for (const headers of broken)
        await assert.rejects(to.request(get(url, { headers })), { name: 'OutboundError', failure: 'bad-request' })
    assert.equal((await to.request(get(url, { timeoutMs: 5_000 }))).status, 200)
  }
})

test('the time limit holds for those that wait for a connection too', async () => {
  await using outbound = createOutboundWith(OPEN, { addresses: () => new Promise(() => {}) })
  const request = () => outbound.request(get('https://silent.example.org/', { timeoutMs: 50 }))
  await Promise.all(Array.from({ length: 40 }, () => assert.rejects(request(), { failure: 'timeout' })))
})

test('an address is called under another name: SNI, certificate and Host are of the name', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'causeway-out-'))
  const { server, caFile } = await tls(folder.path, ['remote.example.org'], (req, res) => {
    res.end(`${(req.socket as TLSSocket).servername} ${req.headers.host}`)
  })
  await using _server = server
  const target = {
    method: 'GET',
    host: '127.0.0.1',
    port: server.port,
    path: '/',
    headers: { host: 'remote.example.org' },
  } as const
  await using outbound = createOutbound({ ...OPEN, customCaFiles: [caFile] })
  const answer = await outbound.request({ ...target, servername: 'remote.example.org', ...LIMITS })
  assert.equal(answer.body.toString(), 'remote.example.org remote.example.org')
  const other = outbound.request({ ...target, servername: 'other.example.org', ...LIMITS })
  await assert.rejects(other, { failure: 'failed', status: 502 })
})

test('a server may be named by its IP address', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'causeway-out-'))
  const { server, caFile } = await tls(folder.path, ['127.0.0.1'], (_req, res) => res.end('ok'))
  await using _server = server
  await using outbound = createOutbound({ ...OPEN, customCaFiles: [caFile] })
  const target = { method: 'GET', port: server.port, path: '/', ...LIMITS } as const
  const headers = { host: `127.0.0.1:${server.port}` }
  const answer = await outbound.request({ ...target, host: '127.0.0.1', servername: '127.0.0.1', headers })
  assert.equal(answer.body.toString(), 'ok')
  await assert.rejects(outbound.request({ ...target, host: '127.0.0.1', servername: '127.0.0.2', headers }), {
    failure: 'failed',
  })
})

test('an unknown authority is refused, unless nothing is checked', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'causeway-out-'))
  const { server } = await tls(folder.path, ['localhost'], (_req, res) => res.end('ok'))
  await using _server = server
  await using strict = createOutbound(OPEN)
  await assert.rejects(strict.request(get(`https://localhost:${server.port}/`)), { failure: 'failed' })
  await using lax = createOutbound({ ...OPEN, verifyTls: false })
  assert.equal((await lax.request(get(`https://localhost:${server.port}/`))).status, 200)
})

for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '[::1]', '2130706433', '0x7f.1']) {
  test(`${host} is denied by the ranges of the loopback`, async () => {
    await using server = await plain(() => assert.fail('it connected'))
    await using outbound = createOutbound({ ...OPEN, ipRangeDenylist: ['127.0.0.0/8', '::1'] })
    await assert.rejects(outbound.request(get(`http://${host}:${server.port}/`)), { failure: 'denied-address' })
  })
}

test('an answer that is too large is cut off, announced or not', async () => {
  const handlers: RequestListener[] = [
    (_req, res) => void res.writeHead(200, { 'content-length': '5000' }).end(Buffer.alloc(5000)),
    (_req, res) => void res.writeHead(200).write(Buffer.alloc(5000)),
  ]
  for (const handler of handlers) {
    await using server = await plain(handler)
    await using outbound = createOutbound(OPEN)
    await assert.rejects(outbound.request(get(`http://127.0.0.1:${server.port}/`)), { failure: 'too-large' })
  }
})

test('time runs out before the headers and within the body', async () => {
  const handlers: RequestListener[] = [() => undefined, (_req, res) => void res.writeHead(200).write('a')]
  for (const handler of handlers) {
    await using server = await plain(handler)
    await using outbound = createOutbound(OPEN)
    await assert.rejects(outbound.request(get(`http://127.0.0.1:${server.port}/`, { timeoutMs: 20 })), { failure: 'timeout' })
  }
})

test('the caller may give up', async () => {
  const controller = new AbortController()
  await using server = await plain(() => controller.abort())
  await using outbound = createOutbound(OPEN)
  const { signal } = controller
  await assert.rejects(outbound.request(get(`http://127.0.0.1:${server.port}/`, { signal })), { failure: 'aborted' })
  await assert.rejects(outbound.request(get(`http://127.0.0.1:${server.port}/`, { signal })), { failure: 'aborted' })
})

test('nobody there, or nobody who speaks HTTP', async () => {
  const silent = createSocketServer((socket) => void socket.resume().end('not HTTP\r\n\r\n'))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  await using outbound = createOutbound(OPEN)
  await assert.rejects(outbound.request(get(`http://127.0.0.1:${port}/`)), { failure: 'failed' })
  silent.close()
  await once(silent, 'close')
  await assert.rejects(outbound.request(get(`http://127.0.0.1:${port}/`)), { failure: 'failed' })
})

test('a redirect is an answer like any other', async () => {
  await using server = await plain((_req, res) => void res.writeHead(302, { location: 'file:///etc/passwd' }).end())
  await using outbound = createOutbound(OPEN)
  assert.equal((await outbound.request(get(`http://127.0.0.1:${server.port}/`))).status, 302)
})

for (const url of ['ftp://example.org/', 'example.org', '']) {
  test(`'${url}' is no URL to call`, async () => {
    await using outbound = createOutbound(OPEN)
    await assert.rejects(outbound.request(get(url)), { failure: 'bad-request' })
  })
}
