import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { get } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { empty, jsonObject } from '../../schemas/definitions.ts'
import { endpoint } from '../../schemas/endpoint.ts'
import { startListeners } from '../../src/http/listeners.ts'
import { RateLimiter } from '../../src/http/rate-limit.ts'
import type { Resource } from '../../src/http/resources.ts'
import { respond } from '../../src/http/reply.ts'
import { route } from '../../src/http/route.ts'
import { createHttpApp } from '../../src/http/server.ts'
import { authenticators, callServer, certificateIn, LIMITS, recordingLog, testServer } from './support.ts'

const open = { auth: 'none', response: jsonObject(), spec: '' } as const
const PATHS: Record<Resource, string> = {
  client: '/_matrix/client/versions',
  federation: '/_matrix/federation/v1/version',
  media: '/_matrix/client/v1/media/config',
  admin: '/_synapse/admin/v1/register',
  metrics: '/metrics',
}
const routes = Object.values(PATHS).map((path) => route(endpoint('GET', path, open), async () => respond(200, { path })))

const app = () =>
  createHttpApp({
    routes,
    authenticators: authenticators({}),
    rateLimiter: new RateLimiter(LIMITS, { now: () => 0 }),
    log: recordingLog().log,
  })

test('a listener serves its resources only', async () => {
  const only: Resource[] = ['client', 'federation', 'media', 'admin', 'metrics']
  const settings = only.map((resource) => ({ address: '127.0.0.1', port: 0, resources: [resource] }))
  await using listening = await startListeners(settings, app())
  for (const [i, resource] of only.entries()) {
    for (const [other, path] of Object.entries(PATHS)) {
      const answer = await callServer(listening.at[i]?.port ?? 0, 'GET', path)
      assert.equal(answer.status, other === resource ? 200 : 404, `${other} at the listener for ${resource}`)
      const wrongMethod = await callServer(listening.at[i]?.port ?? 0, 'PUT', path)
      assert.equal(wrongMethod.status, other === resource ? 405 : 404)
    }
  }
})

test('TLS', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'causeway-tls-'))
  const { tls, authorityPem } = await certificateIn(folder.path)
  const settings = { address: '127.0.0.1', port: 0, tls, resources: ['client' as const] }
  await using listening = await startListeners([settings], app())
  assert.equal(listening.at[0]?.tls, true)
  const options = { host: '127.0.0.1', port: listening.at[0]?.port, path: PATHS.client, ca: authorityPem, agent: false }
  const [response] = await once(get(options), 'response')
  assert.equal(response.statusCode, 200)
  assert.equal(await text(response), '{"path":"/_matrix/client/versions"}')
})

test('an address that is taken is an error, and nothing stays open', async () => {
  await using first = await testServer(routes)
  const free = { address: '127.0.0.1', port: 0, resources: ['client' as const] }
  await assert.rejects(startListeners([free, { ...free, port: first.port }], app()), { code: 'EADDRINUSE' })
})

const poll = endpoint('GET', '/_matrix/client/v3/sync', { auth: 'none', response: empty(), spec: '' })

test('long polls are answered when the server stops', async () => {
  const { promise: polling, resolve: isPolling } = Promise.withResolvers<void>()
  const onPoll = route(poll, async ({ ending }) => {
    isPolling()
    await new Promise<void>((resolve) => ending.listen(resolve))
    return {}
  })
  const server = await testServer([onPoll])
  const answer = server.call('GET', '/_matrix/client/v3/sync')
  await polling
  await server.listening.close(60_000)
  assert.equal((await answer).status, 200)
  assert.equal((await answer).headers.connection, 'close')
  await assert.rejects(server.call('GET', '/_matrix/client/v3/sync'), { code: 'ECONNREFUSED' })
})

test('what does not stop is cut off after the time of grace', async () => {
  const { promise: working, resolve: isWorking } = Promise.withResolvers<void>()
  const onPoll = route(poll, () => {
    isWorking()
    return new Promise(() => undefined)
  })
  const server = await testServer([onPoll])
  const answer = assert.rejects(server.call('GET', '/_matrix/client/v3/sync'))
  await working
  await server.listening.close(1)
  await answer
})

test('connections that have never sent a request do not hold up the end', async () => {
  const server = await testServer(routes)
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  await server.listening.close(600_000)
  await once(socket, 'close')
})

test('a request ends when the client goes away', async () => {
  const { promise: aborted, resolve: isAborted } = Promise.withResolvers<void>()
  const { promise: polling, resolve: isPolling } = Promise.withResolvers<void>()
  const onPoll = route(poll, async ({ ending }) => {
    isPolling()
    await new Promise<void>((resolve) => ending.listen(resolve))
    isAborted()
    return {}
  })
  await using server = await testServer([onPoll])
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: x\r\n\r\n')
  await polling
  socket.destroy()
  await aborted
})

const put = endpoint('PUT', '/_matrix/client/v3/thing', { auth: 'none', body: jsonObject(), response: jsonObject(), spec: '' })
const onPut = route(put, async ({ body }) => body)

test('a client that does not take its answer is given up, one that waits for it is not', { timeout: 20_000 }, async () => {
  const large = endpoint('GET', '/_matrix/client/large', open)
  const late = endpoint('GET', '/_matrix/client/late', open)
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>()
  const given = [
    route(large, async ({ ending }) => {
      ending.listen(free)
      return respond(200, { much: 'x'.repeat(30_000_000) })
    }),
    route(late, async () => {
      await isFree
      return respond(200, {})
    }),
  ]
  await using server = await testServer(given, { stallTimeoutMs: 30 })
  const waiting = server.call('GET', late.path)
  const stalling = connect(server.port, '127.0.0.1')
  stalling.pause()
  stalling.write(`GET ${large.path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  assert.equal((await waiting).status, 200)
  stalling.destroy()
})

test('a body that does not come is given up', async () => {
  await using server = await testServer([onPut], { bodyTimeoutMs: 1 })
  const socket = connect(server.port, '127.0.0.1')
  socket.write('PUT /_matrix/client/v3/thing HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a"')
  assert.match(await text(socket), /^HTTP\/1.1 408 [^]*M_UNKNOWN/)
})

test('a body in chunks is bounded too', async () => {
  const tiny = endpoint('PUT', '/_matrix/client/v3/tiny', { ...open, maxBody: 10, body: jsonObject() })
  await using server = await testServer([route(tiny, async ({ body }) => body)])
  const socket = connect(server.port, '127.0.0.1')
  socket.write('PUT /_matrix/client/v3/tiny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (let i = 0; i < 5; i++) socket.write('8\r\n{"a":"bc\r\n')
  socket.write('0\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1.1 413 [^]*M_TOO_LARGE/)
})

const showAddress = route(endpoint('GET', '/_matrix/client/v3/address', open), async ({ address }) => respond(200, { address }))

const FORWARDED: [header: string, trusted: string[], address: string][] = [
  ['192.0.2.1', [], '127.0.0.1'],
  ['192.0.2.1', ['10.0.0.0/8'], '127.0.0.1'],
  ['192.0.2.1', ['127.0.0.0/8'], '192.0.2.1'],
  ['192.0.2.66, 192.0.2.1', ['127.0.0.1'], '192.0.2.1'],
  ['192.0.2.66, 192.0.2.1, 10.1.2.3', ['127.0.0.1', '10.0.0.0/8'], '192.0.2.1'],
  ['2001:db8::1', ['127.0.0.1'], '2001:db8::1'],
  ['10.0.0.1', ['127.0.0.1', '10.0.0.0/8'], '10.0.0.1'],
  ['nonsense', ['127.0.0.1'], '127.0.0.1'],
]
for (const [header, trustedProxies, address] of FORWARDED) {
  test(`X-Forwarded-For: ${header} through 127.0.0.1, trusting [${trustedProxies}], is ${address}`, async () => {
    await using server = await testServer([showAddress], { trustedProxies })
    const answer = await server.call('GET', '/_matrix/client/v3/address', { headers: { 'x-forwarded-for': header } })
    assert.equal(answer.json.address, address)
  })
}
