import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { SignatureChecks } from '../../src/federation/signature-checks.ts'
import { eventVerifier } from '../../src/federation/verify-events.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import type { EventToVerify, SignatureVerdict } from '../../src/protocol/required-signatures.ts'
import { type RoomRules, roomRules } from '../../src/protocol/room-versions.ts'
import { signEvent, type SigningKey } from '../../src/protocol/signing.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { FakeClock } from '../support/clock.ts'
import { localFederation } from '../support/federation.ts'
import { federationLab, newSigningKey, type RemoteServer } from '../support/remote-server.ts'

const DAY_MS = 86_400_000

async function setUp() {
  const lab = await federationLab()
  const [one, two] = [await lab.server('one.test'), await lab.server('two.test')]
  const clock = new FakeClock(Date.now())
  const ours = localFederation(lab, { clock })
  const verify = eventVerifier({ keyRing: ours.keyRing, checks: new SignatureChecks() })
  const verdict = async (event: EventToVerify): Promise<SignatureVerdict> => {
    const [first] = await verify([event])
    assert.ok(first)
    return first
  }
  return { lab, one, two, clock, ours, verify, verdict, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

function rulesOf(version: string): RoomRules {
  const rules = roomRules(version)
  assert.ok(rules)
  return rules
}

const message = (changes: JsonObject = {}): Pdu => ({
  type: 'm.room.message',
  room_id: '!r:one.test',
  sender: '@a:one.test',
  origin_server_ts: Date.now(),
  depth: 1,
  prev_events: [],
  auth_events: [],
  content: { body: 'hello' },
  ...changes,
})
const member = (content: JsonObject, changes: JsonObject = {}): Pdu =>
  message({ type: 'm.room.member', state_key: '@b:two.test', content, ...changes })

type Signer = { readonly name: ServerName; readonly signingKey: SigningKey }

function signed(pdu: Pdu, version: string, signers: readonly Signer[], eventId = '$id'): EventToVerify {
  const rules = rulesOf(version)
  return {
    pdu: signers.reduce((event, { name, signingKey }) => signEvent(event, rules, name, signingKey), pdu),
    rules,
    eventId: eventId as EventId,
  }
}

const VALID: SignatureVerdict = { kind: 'valid' }
const invalid = (server: string, fault: string) => ({ kind: 'invalid', server, fault })

for (const version of ['1', '3', '5', '6', '11', '12']) {
  test(`room version ${version}: an event needs the signature of its sender's server`, async () => {
    await using hs = await setUp()
    const event = signed(message(), version, [hs.one], '$id:one.test')
    assert.deepEqual(await hs.verdict(event), VALID)
    assert.deepEqual(await hs.verdict({ ...event, pdu: { ...event.pdu, unsigned: { age: 1 } } }), VALID)
    assert.deepEqual(
      await hs.verdict({ ...event, pdu: { ...event.pdu, content: {} } }),
      VALID,
      'a redacted copy is as well signed',
    )
    assert.deepEqual(await hs.verdict({ ...event, pdu: { ...event.pdu, depth: 2 } }), invalid('one.test', 'wrong-signature'))
    assert.deepEqual(await hs.verdict(signed(message(), version, [hs.two], '$id:one.test')), invalid('one.test', 'unsigned'))
  })
}

test("room versions 1 and 2: the server of the event's id signs too", async () => {
  await using hs = await setUp()
  for (const version of ['1', '2']) {
    assert.deepEqual(await hs.verdict(signed(message(), version, [hs.one], '$id:two.test')), invalid('two.test', 'unsigned'))
    assert.deepEqual(await hs.verdict(signed(message(), version, [hs.one, hs.two], '$id:two.test')), VALID)
  }
  assert.deepEqual(await hs.verdict(signed(message(), '3', [hs.one], '$id:two.test')), VALID)
})

test('an invite by third party needs no signature of its sender, any other membership does', async () => {
  await using hs = await setUp()
  const invite = member({ membership: 'invite', third_party_invite: { signed: {} } })
  assert.deepEqual(await hs.verdict(signed(invite, '10', [hs.two])), VALID)
  assert.deepEqual(await hs.verdict(signed(invite, '1', [], '$id:two.test')), invalid('two.test', 'unsigned'))
  const join = member({ membership: 'join', third_party_invite: { signed: {} } })
  assert.deepEqual(await hs.verdict(signed(join, '10', [hs.two])), invalid('one.test', 'unsigned'))
  const odd = member({ membership: 'invite', third_party_invite: null })
  assert.deepEqual(await hs.verdict(signed(odd, '10', [hs.two])), invalid('one.test', 'unsigned'))
})

test('a restricted join needs the signature of the server that authorised it, or is rejected', async () => {
  await using hs = await setUp()
  const join = member({ membership: 'join', join_authorised_via_users_server: '@x:two.test' })
  assert.deepEqual(await hs.verdict(signed(join, '7', [hs.one])), VALID)
  for (const version of ['8', '9', '12']) {
    const unauthorised = { kind: 'unauthorised', server: 'two.test', fault: 'unsigned' }
    assert.deepEqual(await hs.verdict(signed(join, version, [hs.one])), unauthorised)
    assert.deepEqual(await hs.verdict(signed(join, version, [hs.two])), invalid('one.test', 'unsigned'))
    assert.deepEqual(await hs.verdict(signed(join, version, [hs.one, hs.two])), VALID)
  }
  for (const value of ['nobody', 1, null]) {
    const odd = member({ membership: 'join', join_authorised_via_users_server: value })
    assert.equal((await hs.verdict(signed(odd, '9', [hs.one]))).kind, 'unauthorised')
  }
})

test('since room version 5 a key counts for events until it ends', async () => {
  await using hs = await setUp()
  const end = hs.clock.now() - DAY_MS
  hs.one.on('GET', '/_matrix/key/v2/server', () => ({ body: hs.one.publishedKeys({ valid_until_ts: end }) }))
  assert.deepEqual(await hs.verdict(signed(message({ origin_server_ts: end }), '5', [hs.one])), VALID)
  assert.deepEqual(
    await hs.verdict(signed(message({ origin_server_ts: end + 1 }), '5', [hs.one])),
    invalid('one.test', 'unknown-key'),
  )
  assert.deepEqual(await hs.verdict(signed(message({ origin_server_ts: end + 1 }), '4', [hs.one])), VALID)
  const future = message({ origin_server_ts: hs.clock.now() + 8 * DAY_MS })
  assert.deepEqual(await hs.verdict(signed(future, '12', [hs.one])), invalid('one.test', 'unknown-key'))
  assert.deepEqual(
    await hs.verdict(signed(message({ origin_server_ts: 'never' }), '12', [hs.one])),
    invalid('one.test', 'unknown-key'),
  )
})

test('unknown keys are skipped beside a known one, a known one that does not fit is not', async () => {
  await using hs = await setUp()
  const stranger = { name: hs.one.name, signingKey: newSigningKey('stranger') }
  const policy = { name: hs.one.name, signingKey: newSigningKey('policy_server') }
  assert.deepEqual(await hs.verdict(signed(message(), '12', [hs.one])), VALID)
  const fetched = hs.one.count('/_matrix/key/v2/server')
  assert.deepEqual(await hs.verdict(signed(message(), '12', [stranger, hs.one, policy])), VALID)
  assert.equal(hs.one.count('/_matrix/key/v2/server'), fetched, 'there is no need to look for the stranger')
  assert.deepEqual(await hs.verdict(signed(message(), '12', [stranger])), invalid('one.test', 'unknown-key'))
  assert.deepEqual(await hs.verdict(signed(message(), '12', [policy])), invalid('one.test', 'unsigned'))
  const second = newSigningKey('second')
  const first = hs.one.signingKey
  const keys = Object.fromEntries([first, second].map(({ keyId, publicKey }) => [keyId, { key: publicKey }]))
  hs.one.on('GET', '/_matrix/key/v2/server', () => ({ body: hs.one.publishedKeys({ verify_keys: keys }) }))
  const both = signed(message(), '12', [hs.one, { name: hs.one.name, signingKey: second }])
  await hs.ours.keyRing.keyFor({ server: hs.one.name, keyId: second.keyId, use: { kind: 'request' } })
  assert.deepEqual(await hs.verdict(both), VALID)
  const impostor = { name: hs.one.name, signingKey: newSigningKey('second') }
  assert.deepEqual(await hs.verdict(signed(message(), '12', [hs.one, impostor])), invalid('one.test', 'wrong-signature'))
})

test('signatures that are no signatures do not hold', async () => {
  await using hs = await setUp()
  const { pdu, rules, eventId } = signed(message(), '12', [hs.one])
  const signatures = (value: JsonObject): EventToVerify => ({
    pdu: { ...pdu, signatures: { 'one.test': value } },
    rules,
    eventId,
  })
  assert.deepEqual(await hs.verdict(signatures({ 'ed25519:a_test': 'AAAA' })), invalid('one.test', 'wrong-signature'))
  assert.deepEqual(await hs.verdict(signatures({ 'ed25519:a_test': 7 })), invalid('one.test', 'wrong-signature'))
  assert.deepEqual(await hs.verdict(signatures({ 'rsa:1': 'AAAA' })), invalid('one.test', 'unsigned'))
  assert.deepEqual(await hs.verdict({ pdu: { ...pdu, signatures: [] }, rules, eventId }), invalid('one.test', 'unsigned'))
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`ed25519:${index}`, 'A'.repeat(86)]))
  assert.deepEqual(await hs.verdict(signatures(many)), invalid('one.test', 'too-many-signatures'))
})

test('numbers of old rooms are signed as they were written', async () => {
  await using hs = await setUp()
  const content = parseLossless('{"users":{"@a:one.test":1e2},"ban":50.0}')
  const levels = message({ type: 'm.room.power_levels', state_key: '', content })
  assert.deepEqual(await hs.verdict(signed(levels, '3', [hs.one])), VALID)
  const broken = message({ type: 'm.room.name', state_key: '\ud800' })
  const { pdu } = signed(message(), '3', [hs.one])
  assert.deepEqual(
    await hs.verdict({ pdu: { ...pdu, ...broken }, rules: rulesOf('3'), eventId: '$id' as EventId }),
    invalid('one.test', 'not-canonical'),
  )
})

/** Every seventh lacks its signature. */
function numbered(server: RemoteServer, index: number): EventToVerify {
  return signed(message({ sender: `@a:${server.name}`, depth: index }), '12', index % 7 === 0 ? [] : [server])
}

test('a batch gets a verdict each, in order, and asks each server once', async () => {
  await using hs = await setUp()
  const events = Array.from({ length: 200 }, (_, index) => numbered(index % 2 === 0 ? hs.one : hs.two, index))
  const verdicts = await hs.verify(events)
  assert.deepEqual(
    verdicts.map(({ kind }) => kind),
    events.map((_, index) => (index % 7 === 0 ? 'invalid' : 'valid')),
  )
  assert.deepEqual([hs.one.requests.length, hs.two.requests.length], [1, 1])
  assert.deepEqual(await hs.verify([]), [])
})
