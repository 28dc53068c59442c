import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { mkdtempDisposable, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { hash } from '@node-rs/argon2'
import { UnderWay } from '../../src/core/under-way.ts'
import { Names } from '../../src/http/names.ts'
import { createOutbound } from '../../src/http/outbound.ts'
import { FakeClock } from '../support/clock.ts'
import { type DnsRecords, dnsServer, SILENT } from '../support/dns-server.ts'
import { webServer } from '../support/web-server.ts'

/** Names over a DNS and a hosts file of their own. */
async function setUp({ records = {}, hosts }: { records?: DnsRecords; hosts?: string }) {
  await using stack = new AsyncDisposableStack()
  const dns = stack.use(await dnsServer(records))
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'causeway-names-')))
  const hostsFile = join(folder.path, 'hosts')
  if (hosts !== undefined) await writeFile(hostsFile, hosts)
  const clock = new FakeClock()
  const names = stack.use(new Names({ clock, hostsFile, dnsServers: [dns.address], patience: { timeout: 600_000, tries: 1 } }))
  const moved = stack.move()
  const outboundOf = (ipRangeDenylist: string[]) =>
    moved.use(createOutbound({ customCaFiles: [], verifyTls: true, ipRangeDenylist }, names))
  return { dns, names, hostsFile, clock, outboundOf, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

const call = (url: string) => ({ method: 'GET', url, maxBytes: 100, timeoutMs: 60_000 }) as const
const v4 = (address: string) => ({ address, family: 4 })
const v6 = (address: string) => ({ address, family: 6 })

test('names are asked of the DNS, which may know addresses of both kinds or of one', async () => {
  const records = {
    'both.test': ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
    'four.test': ['192.0.2.3'],
    'six.test': ['2001:db8::2'],
  }
  await using lab = await setUp({ records })
  assert.deepEqual(await lab.names.addresses('both.test'), [v6('2001:db8::1'), v4('192.0.2.1'), v4('192.0.2.2')])
  assert.deepEqual(await lab.names.addresses('four.test'), [v4('192.0.2.3')])
  assert.deepEqual(await lab.names.addresses('six.test'), [v6('2001:db8::2')])
  await assert.rejects(lab.names.addresses('none.test'), { code: 'ENOTFOUND' })
})

test('services are asked of the same DNS', async () => {
  const service = { name: 'm.test', port: 8448, priority: 1, weight: 2 }
  await using lab = await setUp({ records: { '_matrix-fed._tcp.hs.test': [service], 'hs.test': ['192.0.2.1'] } })
  assert.partialDeepStrictEqual(await lab.names.resolveSrv('_matrix-fed._tcp.hs.test'), [service])
  await assert.rejects(lab.names.resolveSrv('_matrix-fed._tcp.none.test'), { code: 'ENOTFOUND' })
  await assert.rejects(lab.names.resolveSrv('hs.test'), { code: 'ENODATA' })
})

test('names without an answer hold up no other name, no signature and no password', async () => {
  await using lab = await setUp({ records: { 'there.test': ['127.0.0.1'] } })
  await using server = await webServer(() => ({ body: 'ok' }))
  const ended: string[] = []
  const silent = Array.from({ length: 100 }, (_, i) =>
    lab.names.addresses(`${i}${SILENT}`).catch((error: { code: string }) => void ended.push(error.code)),
  )
  const outbound = lab.outboundOf([])
  for (let i = 0; i < 5; i++) await lab.names.addresses('there.test')
  assert.equal((await outbound.request(call(`http://there.test:${server.port}/`))).status, 200)
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const signature = sign(null, Buffer.from('event'), privateKey)
  assert.ok(await promisify(verify)(null, Buffer.from('event'), publicKey, signature))
  await Promise.all(Array.from({ length: 4 }, () => hash('password', { memoryCost: 8, timeCost: 1 })))
  assert.deepEqual(ended, [])
  lab.names[Symbol.dispose]()
  await Promise.all(silent)
  assert.deepEqual(new Set(ended), new Set(['ECANCELLED']))
})

test('those who ask for a name at the same time share one look-up', async () => {
  await using lab = await setUp({ records: { 'there.test': ['192.0.2.1'] } })
  const found = await Promise.all(Array.from({ length: 50 }, () => lab.names.addresses('there.test')))
  assert.deepEqual(
    found,
    Array.from({ length: 50 }, () => [v4('192.0.2.1')]),
  )
  assert.deepEqual(lab.dns.asked, ['there.test', 'there.test'], 'once for each kind of addresses')
  await lab.names.addresses('there.test')
  assert.equal(lab.dns.asked.length, 4, 'nothing is kept')
})

test('only so much is under way at once', async () => {
  const work = new UnderWay<string>(2, (key) => new Error(`not ${key}`))
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = [work.get('a', () => promise), work.get('b', () => promise), work.get('a', assert.fail)]
  await assert.rejects(work.get('c', assert.fail), { message: 'not c' })
  resolve('done')
  assert.deepEqual(await Promise.all(first), ['done', 'done', 'done'])
  assert.equal(await work.get('c', async (key) => key), 'c')
})

test('the hosts file goes before the DNS, and is read anew when it has changed', async () => {
  const hosts = '# mine\n192.0.2.9\tOverridden.test alias.test # not this.test\nnonsense x.test\n2001:db8::9 overridden.test\r\n'
  const records = { 'overridden.test': ['192.0.2.1'], 'this.test': ['192.0.2.2'], 'x.test': ['192.0.2.3'] }
  await using lab = await setUp({ records, hosts })
  assert.deepEqual(await lab.names.addresses('overridden.TEST'), [v4('192.0.2.9'), v6('2001:db8::9')])
  assert.deepEqual(await lab.names.addresses('alias.test'), [v4('192.0.2.9')])
  assert.deepEqual(lab.dns.asked, [])
  assert.deepEqual(await lab.names.addresses('this.test'), [v4('192.0.2.2')])
  assert.deepEqual(await lab.names.addresses('x.test'), [v4('192.0.2.3')])
  await writeFile(lab.hostsFile, '192.0.2.10 alias.test')
  lab.clock.later(5_000)
  assert.deepEqual(await lab.names.addresses('alias.test'), [v4('192.0.2.10')])
  lab.clock.later(5_000)
  assert.deepEqual(await lab.names.addresses('alias.test'), [v4('192.0.2.10')])
  await rm(lab.hostsFile)
  lab.clock.later(5_000)
  assert.deepEqual(await lab.names.addresses('overridden.test'), [v4('192.0.2.1')])
})

test('names without a dot are found by the system, and few of them wait for it', async () => {
  await using lab = await setUp({ records: { localhost: ['192.0.2.1'], 'x.localhost': ['192.0.2.1'] } })
  const localhost = await lab.names.addresses('localhost')
  assert.ok(localhost.every(({ address }) => ['127.0.0.1', '::1'].includes(address)))
  const failures = Array.from({ length: 100 }, (_, i) =>
    lab.names.addresses(`causeway-no-such-name-${i}`).catch((error: { code: string }) => error.code),
  )
  lab.names[Symbol.dispose]()
  const counts = Object.groupBy(await Promise.all(failures), String)
  assert.deepEqual([counts['EAGAIN']?.length, counts['ECANCELLED']?.length], [83, 17])
  assert.deepEqual(lab.dns.asked, [])
})

test('addresses are denied wherever they were found', async () => {
  const records = { 'denied.test': ['127.0.0.1', '::1', '::ffff:127.0.0.1'], 'one.test': ['::1', '127.0.0.1'] }
  await using lab = await setUp({ records, hosts: '127.0.0.1 listed.test' })
  await using server = await webServer(() => ({ body: 'ok' }))
  const closed = lab.outboundOf(['127.0.0.0/8', '::1'])
  for (const name of ['denied.test', 'listed.test', 'localhost']) {
    await assert.rejects(closed.request(call(`http://${name}:${server.port}/`)), { failure: 'denied-address' })
  }
  assert.equal(server.requests.length, 0)
  const without6 = lab.outboundOf(['::1'])
  for (const name of ['one.test', 'listed.test']) {
    assert.equal((await without6.request(call(`http://${name}:${server.port}/`))).status, 200)
  }
})
