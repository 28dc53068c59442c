import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerName } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { serverAuthenticator } from '../../src/federation/authenticate.ts'
import { SignatureChecks } from '../../src/federation/signature-checks.ts'
import type { SignedCall } from '../../src/http/authenticate.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { FakeClock } from '../support/clock.ts'
import { localFederation, type LocalOptions, OUR_NAME } from '../support/federation.ts'
import { federationLab, newSigningKey } from '../support/remote-server.ts'

const METHOD = 'PUT'
const URI = '/_matrix/federation/v1/send/%24x?a=%20b'

async function setUp(options: LocalOptions = {}) {
  const lab = await federationLab()
  const remote = await lab.server('remote.test')
  const clock = new FakeClock(Date.now())
  const ours = localFederation(lab, { clock, ...options })
  const { keyRing, gate, mayCall } = ours
  const authenticate = serverAuthenticator({ serverName: OUR_NAME, keyRing, checks: new SignatureChecks(), gate, mayCall })
  /** A request as it comes in; `text` is its body. */
  const call = (authorization: string | string[], text = '', changes: Partial<SignedCall> = {}) => {
    const content = text === '' ? undefined : objectOf(JSON.parse(text))
    return authenticate({ authorization: [authorization].flat(), method: METHOD, uri: URI, content, bodyText: text, ...changes })
  }
  const sign = (text = '', key = remote.signingKey) =>
    remote.authorization(OUR_NAME, METHOD, URI, text === '' ? undefined : parseLossless(text), key)
  return { lab, remote, clock, ours, call, sign, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

function objectOf(value: unknown): JsonObject {
  assert.ok(isJsonObject(value))
  return value
}

const refused = (message: RegExp, status = 401) => ({
  status,
  errcode: status === 403 ? 'M_FORBIDDEN' : 'M_UNAUTHORIZED',
  message,
})

test('a signed request is known by its origin', async () => {
  await using hs = await setUp()
  assert.equal(await hs.call(hs.sign()), 'remote.test')
  const body = '{"pdus":[{"b":1,"a":"é"}]}'
  assert.equal(await hs.call(hs.sign(body), body), 'remote.test')
  assert.equal(hs.remote.count('/_matrix/key/v2/server'), 1)
})

test('numbers count as the sender wrote them', async () => {
  await using hs = await setUp()
  const body = '{"pdus":[{"content":{"a":1.0,"b":1e3,"c":12345678901234567890,"d":-0.5}}]}'
  assert.equal(await hs.call(hs.sign(body), body), 'remote.test')
})

const changes: [string, Partial<SignedCall>, string][] = [
  ['another method', { method: 'POST' }, ''],
  ['another path', { uri: '/_matrix/federation/v1/send/2' }, ''],
  ['another query', { uri: `${URI}&c=d` }, ''],
  ['a body that was added', { content: {}, bodyText: '{}' }, ''],
  ['a body that was removed', { content: undefined, bodyText: '' }, '{"a":1}'],
  ['another body', { content: { a: 2 }, bodyText: '{"a":2}' }, '{"a":1}'],
]
for (const [what, change, body] of changes) {
  test(`a signature does not fit ${what}`, async () => {
    await using hs = await setUp()
    await assert.rejects(hs.call(hs.sign(body), body, change), refused(/does not fit the request/))
  })
}

test('a request for another server is refused, one that names none is not', async () => {
  await using hs = await setUp()
  const elsewhere = hs.remote.authorization('other.test' as ServerName, METHOD, URI)
  await assert.rejects(hs.call(elsewhere), refused(/meant for other\.test, this is ours\.test/))
  const relabelled = elsewhere.replace('destination="other.test"', `destination="${OUR_NAME}"`)
  await assert.rejects(hs.call(relabelled), refused(/does not fit/))
  assert.equal(await hs.call(hs.sign().replace(`destination="${OUR_NAME}",`, '')), 'remote.test')
})

test('a request cannot come from ourselves', async () => {
  await using hs = await setUp()
  const header = hs.sign().replace('origin="remote.test"', `origin="${OUR_NAME}"`)
  await assert.rejects(hs.call(header), refused(/cannot come from/))
})

test('a wrong key, a wrong signature and a missing header are told apart', async () => {
  await using hs = await setUp()
  await assert.rejects(hs.call(hs.sign('', newSigningKey('other'))), refused(/key ed25519:other of remote\.test is not known/))
  await assert.rejects(
    hs.call(hs.sign('', newSigningKey('a_test'))),
    refused(/signature of remote\.test with ed25519:a_test does not fit/),
  )
  await assert.rejects(hs.call(hs.sign().replace(/sig="[^"]+"/, 'sig="AAAA"')), refused(/not base64 of 64 bytes/))
  await assert.rejects(hs.call([]), refused(/not signed/))
  await assert.rejects(hs.call('Bearer abc'), refused(/not signed/))
})

test('headers that cannot be read are a bad request', async () => {
  await using hs = await setUp()
  for (const header of [
    'X-Matrix nonsense',
    hs.sign().replace('remote.test', 'remote:http'),
    hs.sign().replace(/,key="[^"]+"/, ''),
  ]) {
    await assert.rejects(hs.call(header), refused(/not of the form/, 400))
  }
  await assert.rejects(hs.call(Array.from({ length: 5 }, () => hs.sign())), refused(/more than 4 signatures/, 400))
})

test('of several headers one has to hold, and all have to agree on who it is', async () => {
  await using hs = await setUp()
  const unknown = hs.sign('', newSigningKey('b_unknown'))
  assert.equal(await hs.call([unknown, hs.sign()]), 'remote.test')
  const stranger = hs.sign().replace('origin="remote.test"', 'origin="stranger.test"')
  await assert.rejects(hs.call([hs.sign(), stranger]), refused(/different origins/))
  const elsewhere = hs.remote.authorization('other.test' as ServerName, METHOD, URI)
  await assert.rejects(hs.call([hs.sign(), elsewhere]), refused(/meant for other\.test/))
})

test('a key that has run out, or was given up, signs no requests', async () => {
  await using hs = await setUp()
  let keys = () => hs.remote.publishedKeys({ valid_until_ts: hs.clock.now() - 1 })
  hs.remote.on('GET', '/_matrix/key/v2/server', () => ({ body: keys() }))
  await assert.rejects(hs.call(hs.sign()), refused(/not known, not valid any more/))
  const old = hs.remote.signingKey
  hs.remote.signingKey = newSigningKey('new')
  const expired = { [old.keyId]: { key: old.publicKey, expired_ts: hs.clock.now() + 1_000 } }
  keys = () => hs.remote.publishedKeys({ old_verify_keys: expired })
  await assert.rejects(hs.call(hs.sign('', old)), refused(/not known, not valid any more/))
  assert.equal(await hs.call(hs.sign()), 'remote.test')
})

test('a server that cannot be asked for its keys is refused', async () => {
  await using hs = await setUp()
  const header = hs.sign()
  await hs.remote[Symbol.asyncDispose]()
  await assert.rejects(hs.call(header), refused(/could not be fetched/))
})

test('a server that we do not talk to is forbidden, whatever it signs', async () => {
  await using hs = await setUp({ mayCall: () => false })
  await assert.rejects(hs.call(hs.sign()), refused(/does not talk to/, 403))
})

test('a server that proves itself is there: its gate opens', async () => {
  await using hs = await setUp()
  hs.ours.gate.failed(hs.remote.name, hs.clock.now())
  assert.ok(hs.ours.gate.waitMs(hs.remote.name) > 0)
  await assert.rejects(hs.call(hs.sign('', newSigningKey())))
  hs.ours.gate.failed(hs.remote.name, hs.clock.now())
  assert.ok(hs.ours.gate.waitMs(hs.remote.name) > 0)
  await hs.call(hs.sign())
  assert.equal(hs.ours.gate.waitMs(hs.remote.name), 0)
})
