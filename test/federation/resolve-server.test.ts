import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ServerName } from '../../schemas/ids.ts'
import { inOrder, type ServerResolverOptions, ServerResolver, type SrvRecord } from '../../src/federation/resolve-server.ts'
import { cacheLifetimeMs } from '../../src/federation/well-known.ts'
import { FakeClock } from '../support/clock.ts'
import { federationLab, type RemoteServer, type Reply } from '../support/remote-server.ts'

const PATH = '/.well-known/matrix/server'
const HOUR_MS = 3_600_000
const name = 'hs.test' as ServerName

/** A resolver whose .well-known requests for any host go to `host` by the name of localhost. */
async function setUp(more: Partial<ServerResolverOptions> = {}) {
  const lab = await federationLab()
  const host = await lab.server('localhost')
  const clock = new FakeClock()
  const asked: string[] = []
  const records = new Map<string, SrvRecord[] | Error>()
  const resolver = new ServerResolver({
    outbound: lab.outbound,
    clock,
    random: () => 0.5,
    hostOverrides: {},
    wellKnownUrl: () => `https://localhost:${host.port}${PATH}`,
    dns: {
      resolveSrv: async (record) => {
        asked.push(record)
        const found = records.get(record) ?? Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
        if (found instanceof Error) throw found
        return found
      },
    },
    ...more,
  })
  return { lab, host, clock, asked, records, resolver, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

const wellKnown = (host: RemoteServer, reply: Reply) => host.on('GET', PATH, () => reply)
const FALLBACK = { targets: [{ host: 'hs.test', port: 8448 }], servername: 'hs.test', hostHeader: 'hs.test' }
const DELEGATED = { targets: [{ host: 'm.test', port: 443 }], servername: 'm.test', hostHeader: 'm.test:443' }

test('a delegation is followed and kept as long as it says', async () => {
  await using lab = await setUp()
  wellKnown(lab.host, { headers: { 'cache-control': 'public, max-age=7200' }, body: { 'm.server': 'm.test:443' } })
  assert.deepEqual(await lab.resolver.resolve(name), DELEGATED)
  lab.clock.later(2 * HOUR_MS - 1)
  await lab.resolver.resolve(name)
  assert.equal(lab.host.count(PATH), 1)
  lab.clock.later(1)
  await lab.resolver.resolve(name)
  assert.equal(lab.host.count(PATH), 2)
})

test('what is JSON counts, whatever its content type', async () => {
  await using lab = await setUp()
  wellKnown(lab.host, { headers: { 'content-type': 'application/octet-stream' }, body: '{"m.server":"m.test:443"}' })
  assert.deepEqual(await lab.resolver.resolve(name), DELEGATED)
})

const invalid: [string, Reply][] = [
  ['no such file', { status: 404, body: { 'm.server': 'm.test:443' } }],
  ['no JSON', { body: '<html>m.test</html>' }],
  ['no object', { body: ['m.test'] }],
  ['m.server is missing', { body: {} }],
  ['m.server is no text', { body: { 'm.server': 443 } }],
  ['m.server is no server name', { body: { 'm.server': 'https://m.test/' } }],
  ['oversize', { body: { 'm.server': 'm.test:443', padding: 'x'.repeat(60_000) } }],
  ['a redirect without a target', { status: 302 }],
]
for (const [what, reply] of invalid) {
  test(`an invalid .well-known (${what}) counts as none, and that is remembered`, async () => {
    await using lab = await setUp()
    wellKnown(lab.host, reply)
    assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
    assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
    assert.equal(lab.host.count(PATH), 1)
    assert.deepEqual(lab.asked, ['_matrix-fed._tcp.hs.test', '_matrix._tcp.hs.test'])
    lab.clock.later(HOUR_MS)
    await lab.resolver.resolve(name)
    assert.equal(lab.host.count(PATH), 2)
  })
}

test('a server in trouble keeps its delegation for two days, then has none', async () => {
  await using lab = await setUp()
  wellKnown(lab.host, { body: { 'm.server': 'm.test:443' } })
  await lab.resolver.resolve(name)
  wellKnown(lab.host, { status: 503 })
  lab.clock.later(47 * HOUR_MS)
  assert.deepEqual(await lab.resolver.resolve(name), DELEGATED)
  lab.clock.later(2 * HOUR_MS)
  assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
})

test('redirects are followed', async () => {
  await using lab = await setUp()
  lab.host.on('GET', '/there', () => ({ body: { 'm.server': 'm.test:443' } }))
  wellKnown(lab.host, { status: 301, headers: { location: '/hop' } })
  lab.host.on('GET', '/hop', () => ({ status: 308, headers: { location: `https://localhost:${lab.host.port}/there` } }))
  assert.deepEqual(await lab.resolver.resolve(name), DELEGATED)
})

test('a redirect loop ends at the first URL seen twice', async () => {
  await using lab = await setUp()
  wellKnown(lab.host, { status: 302, headers: { location: '/loop' } })
  lab.host.on('GET', '/loop', () => ({ status: 302, headers: { location: PATH } }))
  assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
  assert.equal(lab.host.requests.length, 2)
})

test('an endless chain of redirects is given up', async () => {
  await using lab = await setUp()
  lab.host.on('GET', /./, ({ url }) => ({ status: 302, headers: { location: `${url}x` } }))
  assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
  assert.equal(lab.host.requests.length, 11)
})

test('a redirect may not leave HTTPS', async () => {
  await using lab = await setUp()
  const asked: string[] = []
  const plain = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('{"m.server":"m.test:443"}')
  })
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  try {
    const { port } = plain.address() as AddressInfo
    wellKnown(lab.host, { status: 302, headers: { location: `http://127.0.0.1:${port}/there` } })
    assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
    assert.deepEqual(asked, [])
  } finally {
    plain.close()
  }
})

test('a certificate for another name is not believed', async () => {
  await using lab = await setUp()
  const impostor = await lab.lab.server('localhost', ['elsewhere.test'])
  wellKnown(impostor, { body: { 'm.server': 'm.test:443' } })
  const resolver = new ServerResolver({
    outbound: lab.lab.outbound,
    clock: lab.clock,
    random: () => 0.5,
    hostOverrides: {},
    wellKnownUrl: () => `https://localhost:${impostor.port}${PATH}`,
    dns: { resolveSrv: async () => [] },
  })
  assert.deepEqual(await resolver.resolve(name), FALLBACK)
  assert.equal(impostor.requests.length, 0)
})

test('SRV records are ordered, kept, and a record of "." is none', async () => {
  await using lab = await setUp()
  wellKnown(lab.host, { status: 404 })
  lab.records.set('_matrix-fed._tcp.hs.test', [{ name: '.', port: 0, priority: 0, weight: 0 }])
  lab.records.set('_matrix._tcp.hs.test', [
    { name: 'later.test', port: 2, priority: 20, weight: 0 },
    { name: 'first.test', port: 1, priority: 10, weight: 0 },
  ])
  const targets = [
    { host: 'first.test', port: 1 },
    { host: 'later.test', port: 2 },
  ]
  assert.deepEqual(await lab.resolver.resolve(name), { targets, servername: 'hs.test', hostHeader: 'hs.test' })
  lab.clock.later(10 * 60_000 - 1)
  await lab.resolver.resolve(name)
  assert.equal(lab.asked.length, 2)
})

test('a DNS that does not answer leaves what was known, and is asked again soon', async () => {
  await using lab = await setUp()
  wellKnown(lab.host, { status: 404 })
  const record = '_matrix-fed._tcp.hs.test'
  const known = { targets: [{ host: 'a.test', port: 1 }], servername: 'hs.test', hostHeader: 'hs.test' }
  lab.records.set(record, [{ name: 'a.test', port: 1, priority: 0, weight: 0 }])
  assert.deepEqual(await lab.resolver.resolve(name), known)
  lab.records.set(record, Object.assign(new Error('server failure'), { code: 'ESERVFAIL' }))
  lab.clock.later(HOUR_MS)
  assert.deepEqual(await lab.resolver.resolve(name), known)
  lab.records.delete(record)
  lab.clock.later(10_000)
  assert.deepEqual(await lab.resolver.resolve(name), FALLBACK)
})

test('an override is used without a look-up, and an impossible one says so', async () => {
  await using lab = await setUp({ hostOverrides: { 'hs.test': '127.0.0.1:7001', 'bad.test': 'no address at all:x' } })
  assert.deepEqual(await lab.resolver.resolve(name), {
    targets: [{ host: '127.0.0.1', port: 7001 }],
    servername: 'hs.test',
    hostHeader: 'hs.test',
  })
  assert.ok('unresolvable' in (await lab.resolver.resolve('bad.test' as ServerName)))
  assert.equal(lab.host.requests.length, 0)
  assert.deepEqual(lab.asked, [])
})

test('among records of one priority the weight decides how often one comes first', () => {
  const records = [
    { name: 'heavy', port: 1, priority: 5, weight: 90 },
    { name: 'light', port: 1, priority: 5, weight: 10 },
    { name: 'spare', port: 1, priority: 9, weight: 1000 },
  ]
  let seed = 1
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const orders = Array.from({ length: 1_000 }, () => inOrder(records, random).map(({ host }) => host))
  const heavyFirst = orders.filter(([first]) => first === 'heavy').length
  assert.ok(heavyFirst > 850 && heavyFirst < 950, String(heavyFirst))
  assert.ok(orders.every(([, , last]) => last === 'spare'))
})

const lifetimes: [string, Record<string, string>, number][] = [
  ['no header', {}, 24],
  ['max-age', { 'cache-control': 'max-age=36000' }, 10],
  ['max-age among others', { 'cache-control': 'Public, MAX-AGE="7200", immutable' }, 2],
  ['max-age below the minimum', { 'cache-control': 'max-age=5' }, 1],
  ['max-age beyond the maximum', { 'cache-control': 'max-age=9999999999' }, 48],
  ['no-store', { 'cache-control': 'no-store' }, 1],
  ['Expires', { expires: new Date(1_700_000_000_000 + 5 * HOUR_MS).toUTCString() }, 5],
  ['Expires in the past', { expires: '0' }, 1],
  ['max-age comes before Expires', { 'cache-control': 'max-age=10800', expires: '0' }, 3],
  ['a Cache-Control without age leaves it to Expires', { 'cache-control': 'private', expires: '0' }, 1],
]
for (const [what, headers, hours] of lifetimes) {
  test(`lifetime of a .well-known: ${what}`, () => {
    assert.equal(cacheLifetimeMs(headers, 1_700_000_000_000), hours * HOUR_MS)
  })
}
