import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts'
import { wellKnownRoutes } from '../../src/federation/api/wellknown.ts'
import { identityRoutes } from '../../src/federation/routes.ts'
import { keyIdsOf, type SigningKey, verifyJson, verifyKeyFrom } from '../../src/protocol/signing.ts'
import { testServer } from '../http/support.ts'
import { FakeClock } from '../support/clock.ts'
import { localFederation, OUR_NAME } from '../support/federation.ts'
import { federationLab, newSigningKey, type RemoteServer } from '../support/remote-server.ts'

const KEYS = '/_matrix/key/v2/server'
const QUERY = '/_matrix/key/v2/query'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

async function setUp() {
  const lab = await federationLab()
  const remote = await lab.server('remote.test')
  const clock = new FakeClock(Date.now())
  const old = newSigningKey('before')
  const oldKeys = [{ keyId: old.keyId, publicKey: old.publicKey, expiredTs: 1_000 }]
  const ours = localFederation(lab, { clock, oldKeys })
  const { own: ownKeys, notary } = ours
  const server = await testServer(identityRoutes({ ownKeys, notary, clock, delegatedServer: 'there.test:443' }))
  const query = async (of: Record<string, JsonObject>) =>
    answers((await server.call('POST', QUERY, { body: { server_keys: of } })).json)
  /** Asks for one key of the remote server. */
  const ask = async (keyId: string, validUntil?: number) =>
    query({ [remote.name]: { [keyId]: validUntil === undefined ? {} : { minimum_valid_until_ts: validUntil } } })
  return {
    lab,
    remote,
    clock,
    old,
    ours,
    server,
    query,
    ask,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await lab[Symbol.asyncDispose]()
    },
  }
}

function answers(body: Json): JsonObject[] {
  assert.ok(isJsonObject(body) && Array.isArray(body['server_keys']))
  return body['server_keys'].filter(isJsonObject)
}

function assertSigned(object: JsonObject, name: string, { keyId, publicKey }: SigningKey): void {
  const key = verifyKeyFrom(publicKey)
  assert.ok(key && verifyJson(object, name, keyId, key))
}

/** Makes the remote server publish one key until `validUntil`. */
function publish(remote: RemoteServer, key: SigningKey, validUntil: number): void {
  remote.signingKey = key
  remote.on('GET', KEYS, () => ({ body: remote.publishedKeys({ valid_until_ts: validUntil }) }))
}

test('anybody may ask for our keys, at the old path too', async () => {
  await using hs = await setUp()
  const { signingKey } = hs.ours.own
  for (const path of [KEYS, `${KEYS}/`, `${KEYS}/ed25519%3Aours`]) {
    const { status, json } = await hs.server.call('GET', path)
    assert.equal(status, 200)
    assert.equal(json['server_name'], OUR_NAME)
    assert.deepEqual(json['verify_keys'], { 'ed25519:ours': { key: signingKey.publicKey } })
    assert.deepEqual(json['old_verify_keys'], { 'ed25519:before': { key: hs.old.publicKey, expired_ts: 1_000 } })
    assert.equal(json['valid_until_ts'], hs.clock.now() + DAY_MS)
    assertSigned(json, OUR_NAME, signingKey)
  }
})

test('our keys are signed anew before they have run out', async () => {
  await using hs = await setUp()
  const first = await hs.server.call('GET', KEYS)
  hs.clock.later(12 * HOUR_MS - 1)
  assert.deepEqual((await hs.server.call('GET', KEYS)).json, first.json)
  hs.clock.later(1)
  assert.equal((await hs.server.call('GET', KEYS)).json['valid_until_ts'], hs.clock.now() + DAY_MS)
})

test('version and delegation', async () => {
  await using hs = await setUp()
  const { json } = await hs.server.call('GET', '/_matrix/federation/v1/version')
  assert.ok(isJsonObject(json['server']))
  assert.equal(json['server']['name'], 'Causeway')
  assert.match(String(json['server']['version']), /^\d+\.\d+\.\d+/)
  assert.deepEqual((await hs.server.call('GET', '/.well-known/matrix/server')).json, { 'm.server': 'there.test:443' })
})

test('a server that is where its name says delegates to nobody', async () => {
  await using server = await testServer(wellKnownRoutes({ delegatedServer: undefined }))
  const { status, json } = await server.call('GET', '/.well-known/matrix/server')
  assert.deepEqual([status, json['errcode']], [404, 'M_NOT_FOUND'])
})

test('as a notary we add our signature to what another server says', async () => {
  await using hs = await setUp()
  const { keyId } = hs.remote.signingKey
  const paths = [`${QUERY}/remote.test`, `${QUERY}/remote.test/${encodeURIComponent(keyId)}`]
  for (const path of paths) {
    const [answer, ...more] = answers((await hs.server.call('GET', path)).json)
    assert.ok(answer && more.length === 0)
    assertSigned(answer, 'remote.test', hs.remote.signingKey)
    assertSigned(answer, OUR_NAME, hs.ours.own.signingKey)
    assert.equal(keyIdsOf(answer, OUR_NAME).length, 1)
  }
  assert.equal((await hs.ask(keyId)).length, 1)
  assert.equal((await hs.query({ 'remote.test': {} })).length, 1)
  assert.equal(hs.remote.count(KEYS), 1)
})

test('as a notary we answer for ourselves', async () => {
  await using hs = await setUp()
  const [answer] = await hs.query({ [OUR_NAME]: {} })
  assert.ok(answer)
  assertSigned(answer, OUR_NAME, hs.ours.own.signingKey)
})

test('servers that cannot be asked, and names that are none, are left out', async () => {
  await using hs = await setUp()
  assert.deepEqual(await hs.query({}), [])
  hs.lab.hostOverrides['nowhere.test'] = '127.0.0.1:1'
  assert.deepEqual(await hs.query({ 'nowhere.test': {}, 'no name': {} }), [])
  assert.equal((await hs.server.call('GET', `${QUERY}/no%20name`)).status, 400)
})

test('a notary fetches again when the answer it kept is half over', async () => {
  await using hs = await setUp()
  const key = hs.remote.signingKey
  publish(hs.remote, key, hs.clock.now() + 2 * HOUR_MS)
  await hs.ask(key.keyId)
  hs.clock.later(HOUR_MS)
  await hs.ask(key.keyId)
  assert.equal(hs.remote.count(KEYS), 1)
  hs.clock.later(1)
  await hs.ask(key.keyId)
  assert.equal(hs.remote.count(KEYS), 2)
})

test('an expired key is returned where no better one can be had', async () => {
  await using hs = await setUp()
  const key = newSigningKey('key_0')
  const expiry = hs.clock.now() - DAY_MS
  publish(hs.remote, key, expiry)
  await hs.ask(key.keyId, 0)
  const again = await hs.ask(key.keyId, expiry + 1_000)
  hs.remote.on('GET', KEYS, () => ({ status: 400 }))
  const failing = await hs.ask(key.keyId, expiry + 1_000)
  for (const [answer, ...more] of [again, failing]) {
    assert.equal(answer?.['valid_until_ts'], expiry)
    assert.equal(more.length, 0)
  }
  assert.equal(hs.remote.count(KEYS), 3)
})

test('a server that forgets a key does not make us forget it', async () => {
  await using hs = await setUp()
  const [first, second] = [newSigningKey('key_1'), newSigningKey('key_2')]
  const expiry = hs.clock.now() - DAY_MS
  publish(hs.remote, first, expiry)
  await hs.ask(first.keyId, 0)
  publish(hs.remote, second, expiry + 1_000)
  await hs.ask(first.keyId, hs.clock.now())
  const [answer] = await hs.ask(first.keyId, expiry)
  assert.deepEqual(answer?.['verify_keys'], { 'ed25519:key_1': { key: first.publicKey } })
  assert.equal((await hs.query({ 'remote.test': {} })).length, 2)
})

test('for a new key a server is asked, however often it had no newer answer before', async () => {
  await using hs = await setUp()
  const [first, second] = [newSigningKey('key_1'), newSigningKey('key_2')]
  const expiry = hs.clock.now() - DAY_MS
  publish(hs.remote, first, expiry)
  for (const validUntil of [0, 1, 2]) await hs.ask(first.keyId, expiry + validUntil)
  for (let wanted = 0; wanted < 3; wanted++) {
    publish(hs.remote, second, expiry + wanted)
    const [answer] = await hs.ask(second.keyId, expiry + wanted)
    assert.deepEqual(Object.keys(answer?.['verify_keys'] ?? {}), [second.keyId])
  }
})

test('a server is not asked again for an expired key when it has just been asked for another one', async () => {
  await using hs = await setUp()
  const [first, second] = [newSigningKey('key_1'), newSigningKey('key_2')]
  const expiry = hs.clock.now() - DAY_MS
  publish(hs.remote, first, expiry)
  await hs.ask(first.keyId)
  publish(hs.remote, second, expiry)
  await hs.ask(second.keyId)
  const asked = hs.remote.count(KEYS)
  const [answer] = await hs.ask(first.keyId, expiry)
  assert.deepEqual(Object.keys(answer?.['verify_keys'] ?? {}), [first.keyId])
  assert.equal(hs.remote.count(KEYS), asked)
})

test('whoever asks us for a key again and again does not make us ask its server every time', async () => {
  await using hs = await setUp()
  for (let attempt = 0; attempt < 10; attempt++) {
    await hs.ask('ed25519:nosuch', Number.MAX_SAFE_INTEGER)
    hs.clock.later(1)
  }
  // The first answer brings a key that was not known: only those after it are in vain.
  assert.equal(hs.remote.count(KEYS), 4)
})

test('an old key is found in the answer that lists it as old', async () => {
  await using hs = await setUp()
  const old = { 'ed25519:gone': { key: hs.old.publicKey, expired_ts: 1_000 } }
  hs.remote.on('GET', KEYS, () => ({ body: hs.remote.publishedKeys({ old_verify_keys: old }) }))
  const [answer] = await hs.ask('ed25519:gone')
  assert.deepEqual(answer?.['old_verify_keys'], old)
})
