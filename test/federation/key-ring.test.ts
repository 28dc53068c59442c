import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ServerName } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import type { KeyFetcher } from '../../src/federation/key-fetcher.ts'
import type { KeyWanted } from '../../src/federation/key-ring.ts'
import type { KeyUse } from '../../src/federation/published-keys.ts'
import { signJson, type SigningKey } from '../../src/protocol/signing.ts'
import { Database } from '../../src/storage/database.ts'
import { ServerKeys } from '../../src/storage/server-keys.ts'
import { FakeClock } from '../support/clock.ts'
import { localFederation, type LocalOptions, MemoryKeyStore, OUR_NAME } from '../support/federation.ts'
import { federationLab, newSigningKey, type RemoteServer } from '../support/remote-server.ts'

const KEYS = '/_matrix/key/v2/server'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const REQUEST: KeyUse = { kind: 'request' }
const at = (time: number): KeyUse => ({ kind: 'event', at: time })
const ANY_TIME: KeyUse = { kind: 'event', at: undefined }

async function setUp(options: LocalOptions = {}) {
  const lab = await federationLab()
  const remote = await lab.server('remote.test')
  const clock = new FakeClock(Date.now())
  const ours = localFederation(lab, { clock, ...options })
  const has = async (use: KeyUse, keyId = remote.signingKey.keyId) =>
    (await ours.keyRing.keyFor({ server: remote.name, keyId, use })) !== undefined
  return { lab, remote, ours, clock, has, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

const publish = (remote: RemoteServer, answer: () => Json) => remote.on('GET', KEYS, () => ({ body: answer() }))
const publicKeys = (...keys: SigningKey[]): JsonObject =>
  Object.fromEntries(keys.map(({ keyId, publicKey }) => [keyId, { key: publicKey }]))

test('a key is fetched once, by all who want it, and then remembered', async () => {
  await using hs = await setUp()
  assert.deepEqual(await Promise.all([hs.has(REQUEST), hs.has(ANY_TIME), hs.has(at(hs.clock.now()))]), [true, true, true])
  assert.equal(await hs.has(REQUEST), true)
  assert.equal(hs.remote.count(KEYS), 1)
  assert.equal(hs.remote.requests[0]?.headers.authorization, undefined)
})

test('after a restart the keys come from the database', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  try {
    await using db = new Database({ path: join(folder, 'test.db'), synchronous: 'OFF' })
    await using hs = await setUp({ store: new ServerKeys(db) })
    assert.equal(await hs.has(REQUEST), true)
    const again = localFederation(hs.lab, { clock: hs.clock, store: new ServerKeys(db) })
    assert.ok(await again.keyRing.keyFor({ server: hs.remote.name, keyId: hs.remote.signingKey.keyId, use: REQUEST }))
    assert.equal(hs.remote.count(KEYS), 1)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a key that has run out is fetched anew, and stays good for events from before', async () => {
  await using hs = await setUp()
  const end = hs.clock.now() + HOUR_MS
  publish(hs.remote, () => hs.remote.publishedKeys({ valid_until_ts: end }))
  assert.equal(await hs.has(REQUEST), true)
  hs.clock.later(HOUR_MS + 1)
  assert.equal(await hs.has(at(end)), true)
  assert.equal(await hs.has(ANY_TIME), true)
  assert.equal(hs.remote.count(KEYS), 1)
  assert.equal(await hs.has(REQUEST), false)
  assert.equal(await hs.has(at(end + 1)), false)
  assert.equal(hs.remote.count(KEYS), 3)
  publish(hs.remote, () => hs.remote.publishedKeys({ valid_until_ts: end + HOUR_MS }))
  hs.clock.later(10_000)
  assert.equal(await hs.has(REQUEST), true)
})

test('valid_until_ts counts for at most seven days', async () => {
  await using hs = await setUp()
  publish(hs.remote, () => hs.remote.publishedKeys({ valid_until_ts: Number.MAX_SAFE_INTEGER }))
  const fetchedAt = hs.clock.now()
  assert.equal(await hs.has(at(fetchedAt + 7 * DAY_MS)), true)
  assert.equal(await hs.has(at(fetchedAt + 7 * DAY_MS + 1)), false)
  assert.equal(hs.remote.count(KEYS), 1, 'an event from beyond all keys is no reason to fetch')
  hs.clock.later(7 * DAY_MS + 1)
  assert.equal(await hs.has(REQUEST), true)
  assert.equal(hs.remote.count(KEYS), 2)
})

test('old_verify_keys verify events from before their end, and no requests', async () => {
  await using hs = await setUp()
  const old = newSigningKey('old')
  const expired = hs.clock.now() - DAY_MS
  publish(hs.remote, () =>
    hs.remote.publishedKeys({ old_verify_keys: { [old.keyId]: { key: old.publicKey, expired_ts: expired } } }),
  )
  assert.equal(await hs.has(at(expired), old.keyId), true)
  assert.equal(await hs.has(at(expired + 1), old.keyId), false)
  assert.equal(await hs.has(ANY_TIME, old.keyId), true)
  assert.equal(await hs.has(REQUEST, old.keyId), false)
})

test('a key that its server has given up is no good for requests any more', async () => {
  await using hs = await setUp()
  const before = hs.remote.signingKey
  await hs.has(REQUEST)
  hs.remote.signingKey = newSigningKey('new')
  const gone = { [before.keyId]: { key: before.publicKey, expired_ts: hs.clock.now() } }
  publish(hs.remote, () => hs.remote.publishedKeys({ old_verify_keys: gone }))
  assert.equal(await hs.has(REQUEST, 'ed25519:new'), true)
  assert.equal(await hs.has(REQUEST, before.keyId), false)
  assert.equal(await hs.has(at(hs.clock.now()), before.keyId), true)
})

test('a key that its server does not list any more is remembered for old events', async () => {
  await using hs = await setUp()
  const before = hs.remote.signingKey
  await hs.has(REQUEST)
  hs.remote.signingKey = newSigningKey('new')
  assert.equal(await hs.has(REQUEST, 'ed25519:new'), true)
  assert.equal(await hs.has(at(hs.clock.now()), before.keyId), true)
})

const hostile: [string, (remote: RemoteServer) => Json][] = [
  ['is for another server', (remote) => remote.publishedKeys({ server_name: 'other.test' })],
  ['has no signature', (remote) => ({ ...remote.publishedKeys(), signatures: {} })],
  ['is changed after it was signed', (remote) => ({ ...remote.publishedKeys(), valid_until_ts: 4_000_000_000_000 })],
  [
    'is signed by a key that it does not list',
    (remote) => signJson({ ...remote.publishedKeys(), signatures: {} }, remote.name, newSigningKey('x')),
  ],
  [
    'has a key that is not base64',
    (remote) => remote.publishedKeys({ verify_keys: { [remote.signingKey.keyId]: { key: '!!!' } } }),
  ],
  [
    'has a key of a wrong length',
    (remote) => remote.publishedKeys({ verify_keys: { [remote.signingKey.keyId]: { key: 'AAAA' } } }),
  ],
  ['has no end', (remote) => remote.publishedKeys({ valid_until_ts: 'never' })],
  ['has a fraction for an end', (remote) => remote.publishedKeys({ valid_until_ts: 1e300 })],
  [
    'lists too many keys',
    (remote) => remote.publishedKeys({ verify_keys: { ...publicKeys(remote.signingKey), ...manyKeys(60) } }),
  ],
  ['is huge', (remote) => remote.publishedKeys({ padding: 'x'.repeat(100_000) })],
  ['is no object', () => []],
  ['is no JSON', () => '{"server_name":'],
]
const manyKeys = (count: number): JsonObject =>
  publicKeys(...Array.from({ length: count }, (_, index) => newSigningKey(`k${index}`)))

for (const [what, answer] of hostile) {
  test(`an answer that ${what} is not believed`, async () => {
    await using hs = await setUp()
    publish(hs.remote, () => answer(hs.remote))
    assert.equal(await hs.has(ANY_TIME), false)
    assert.equal((hs.ours.store as MemoryKeyStore).keys.size, 0)
  })
}

test('a key of small order, with which one signature fits everything, is left out', async () => {
  await using hs = await setUp()
  const identity = Buffer.concat([Buffer.of(1), Buffer.alloc(31)])
    .toString('base64')
    .replace('=', '')
  publish(hs.remote, () =>
    hs.remote.publishedKeys({ verify_keys: { ...publicKeys(hs.remote.signingKey), 'ed25519:weak': { key: identity } } }),
  )
  assert.equal(await hs.has(ANY_TIME, 'ed25519:weak'), false)
  assert.equal(await hs.has(ANY_TIME), true)
})

test('a server that keeps changing its keys does not fill the store', async () => {
  await using hs = await setUp()
  for (let round = 0; round < 4; round++) {
    hs.remote.signingKey = newSigningKey(`round${round}`)
    const many = Object.fromEntries(Object.entries(manyKeys(40)).map(([keyId, key]) => [`${keyId}_${round}`, key]))
    publish(hs.remote, () => hs.remote.publishedKeys({ verify_keys: { ...publicKeys(hs.remote.signingKey), ...many } }))
    assert.equal(await hs.has(REQUEST), true)
    hs.clock.later(1)
  }
  const { keys } = hs.ours.store as MemoryKeyStore
  assert.equal(keys.size, 100)
  assert.equal(await hs.has(REQUEST), true)
})

test('a key that cannot be had is not asked for again and again', async () => {
  await using hs = await setUp()
  for (let attempt = 0; attempt < 5; attempt++) {
    assert.equal(await hs.has(REQUEST, 'ed25519:nosuch'), false)
    hs.clock.later(1)
  }
  assert.equal(hs.remote.count(KEYS), 3)
  hs.clock.later(10_000)
  assert.equal(await hs.has(REQUEST), true)
})

test('our own keys, current and old, are known without asking', async () => {
  const old = newSigningKey('before')
  await using hs = await setUp({ oldKeys: [{ keyId: old.keyId, publicKey: old.publicKey, expiredTs: 1_000 }] })
  const key = (keyId: string, use: KeyUse) => hs.ours.keyRing.keyFor({ server: OUR_NAME, keyId, use })
  assert.ok(await key('ed25519:ours', REQUEST))
  assert.ok(await key(old.keyId, at(1_000)))
  assert.equal(await key(old.keyId, at(1_001)), undefined)
  assert.equal(await key('ed25519:nosuch', ANY_TIME), undefined)
  assert.equal(hs.remote.requests.length, 0)
})

test('a notary is asked for the keys of a server that does not answer, and must have signed what it says', async () => {
  const notaryName = 'notary.test' as ServerName
  await using hs = await setUp({ notaries: [notaryName] })
  const notary = await hs.lab.server(notaryName)
  const answer = hs.remote.publishedKeys()
  publish(hs.remote, () => ({}))
  let signer = newSigningKey()
  notary.on('POST', '/_matrix/key/v2/query', () => ({
    body: { server_keys: [{ server_name: 1 }, signJson(answer, notaryName, signer)] },
  }))
  const time = hs.clock.now() - HOUR_MS
  assert.equal(await hs.has(at(time)), false)
  signer = notary.signingKey
  assert.equal(await hs.has(at(time)), true)
  const query = notary.requests.findLast(({ method }) => method === 'POST')
  assert.deepEqual(JSON.parse(query?.body ?? ''), {
    server_keys: { 'remote.test': { [hs.remote.signingKey.keyId]: { minimum_valid_until_ts: time } } },
  })
})

test('a notary cannot answer for a server that it was not asked about, nor bring back a key that was given up', async () => {
  const notaryName = 'notary.test' as ServerName
  await using hs = await setUp({ notaries: [notaryName] })
  const notary = await hs.lab.server(notaryName)
  const other = await hs.lab.server('other.test')
  const key = hs.remote.signingKey
  const stale = hs.remote.publishedKeys()
  hs.remote.signingKey = newSigningKey('new')
  const gone = { [key.keyId]: { key: key.publicKey, expired_ts: hs.clock.now() - DAY_MS } }
  publish(hs.remote, () => hs.remote.publishedKeys({ old_verify_keys: gone }))
  notary.on('POST', '/_matrix/key/v2/query', () => ({
    body: { server_keys: [stale, other.publishedKeys()].map((each) => signJson(each, notaryName, notary.signingKey)) },
  }))
  assert.equal(await hs.has(at(hs.clock.now()), key.keyId), false)
  assert.equal(notary.count('/_matrix/key/v2/query'), 1)
  assert.deepEqual(await hs.ours.store.keysOf([other.name]), [])
  assert.equal(await hs.has(at(hs.clock.now() - DAY_MS), key.keyId), true)
})

test('for many servers a notary is asked first, the rest are asked themselves', async () => {
  const notaryName = 'notary.test' as ServerName
  await using hs = await setUp({ notaries: [notaryName] })
  const notary = await hs.lab.server(notaryName)
  const dead = Array.from({ length: 20 }, (_, index) => ({ name: `dead${index}.test` as ServerName, key: newSigningKey() }))
  notary.on('POST', '/_matrix/key/v2/query', () => ({
    body: {
      server_keys: dead.map(({ name, key }) => {
        const keys = { server_name: name, valid_until_ts: hs.clock.now(), verify_keys: publicKeys(key), old_verify_keys: {} }
        return signJson(signJson(keys, name, key), notaryName, notary.signingKey)
      }),
    },
  }))
  const servers = [...dead, { name: hs.remote.name, key: hs.remote.signingKey }]
  const wanted = servers.map(({ name, key }): KeyWanted => ({ server: name, keyId: key.keyId, use: ANY_TIME }))
  const found = await hs.ours.keyRing.keysFor(wanted)
  assert.ok(found.every((key) => key !== undefined))
  assert.equal(notary.count('/_matrix/key/v2/query'), 1)
  assert.equal(hs.remote.count(KEYS), 1)
})

test('a flood of requests from servers that do not answer is not let pile up', async () => {
  const asked: ServerName[] = []
  const fetcher: KeyFetcher = {
    fromServer: (server) => {
      asked.push(server)
      return new Promise(() => {})
    },
    fromNotary: async () => [],
  }
  await using hs = await setUp({ fetcher })
  const want = (server: string, use: KeyUse) => hs.ours.keyRing.keyFor({ server: server as ServerName, keyId: 'ed25519:1', use })
  for (let index = 0; index < 1_032; index++) void want(`flood${index}.test`, REQUEST)
  assert.equal(await want('one-too-many.test', REQUEST), undefined)
  assert.equal(asked.length, 32)
  void want('room.test', ANY_TIME)
  await setImmediate()
  assert.equal(asked.at(-1), 'room.test', 'events are not held up by it')
})
