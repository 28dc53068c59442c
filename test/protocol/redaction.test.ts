import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import { redact, redactContent } from '../../src/protocol/redaction.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { rulesOf } from '../support/dag.ts'

const versions = Array.from({ length: 12 }, (_, index) => `${index + 1}`)
const from =
  (first: number, last = 12) =>
  (version: string) =>
    Number(version) >= first && Number(version) <= last

/** Every key that any version keeps, and one that none does. */
const everything: Record<string, JsonObject> = {
  'm.room.member': {
    membership: 'join',
    join_authorised_via_users_server: '@a:b',
    third_party_invite: { display_name: 'x', signed: { token: 't' } },
    displayname: 'x',
  },
  'm.room.create': { creator: '@a:b', room_version: '1', 'm.federate': false },
  'm.room.join_rules': { join_rule: 'restricted', allow: [], other: 1 },
  'm.room.power_levels': {
    ban: 1,
    events: {},
    events_default: 1,
    invite: 1,
    kick: 1,
    redact: 1,
    state_default: 1,
    users: {},
    users_default: 1,
    notifications: {},
  },
  'm.room.aliases': { aliases: [], other: 1 },
  'm.room.history_visibility': { history_visibility: 'shared', other: 1 },
  'm.room.redaction': { redacts: '$x', reason: 'x' },
  'm.room.message': { body: 'x', membership: 'join' },
}

/** What each version keeps, read off the sections "Redactions" of https://spec.matrix.org/v1.19/rooms/ */
const kept: [type: string, key: string, within: (version: string) => boolean][] = [
  ['m.room.member', 'membership', from(1)],
  ['m.room.member', 'join_authorised_via_users_server', from(9)],
  ['m.room.member', 'third_party_invite', from(11)],
  ['m.room.create', 'creator', from(1)],
  ['m.room.create', 'room_version', from(11)],
  ['m.room.create', 'm.federate', from(11)],
  ['m.room.join_rules', 'join_rule', from(1)],
  ['m.room.join_rules', 'allow', from(8)],
  ...['ban', 'events', 'events_default', 'kick', 'redact', 'state_default', 'users', 'users_default'].map(
    (key): [string, string, (version: string) => boolean] => ['m.room.power_levels', key, from(1)],
  ),
  ['m.room.power_levels', 'invite', from(11)],
  ['m.room.aliases', 'aliases', from(1, 5)],
  ['m.room.history_visibility', 'history_visibility', from(1)],
  ['m.room.redaction', 'redacts', from(11)],
]

for (const version of versions) {
  suite(`room version ${version}`, () => {
    const rules = rulesOf(version).redaction
    for (const [type, content] of Object.entries(everything)) {
      test(`content of ${type}`, () => {
        const wanted = kept.filter(([of, , within]) => of === type && within(version)).map(([, key]) => key)
        assert.deepEqual(Object.keys(redactContent(type, content, rules)).toSorted(), wanted.toSorted())
      })
    }
    test('top level', () => {
      const always =
        'event_id type room_id sender state_key content hashes signatures depth prev_events auth_events origin_server_ts'
      const before11 = 'prev_state origin membership'
      const pdu = Object.fromEntries(`${always} ${before11} redacts unsigned age_ts other`.split(' ').map((key) => [key, 'x']))
      const wanted = (from(11)(version) ? always : `${always} ${before11}`).split(' ')
      assert.deepEqual(Object.keys(redact(pdu, rules)).toSorted(), wanted.toSorted())
    })
  })
}

suite('nested keys (room version 11)', () => {
  const rules = rulesOf('11').redaction
  const redacted = (invite: JsonObject[string]) => redactContent('m.room.member', { third_party_invite: invite }, rules)
  test('only `signed` is left of a third-party invite', () => {
    assert.deepEqual(redacted({ display_name: 'x', signed: { token: 't' } }), { third_party_invite: { signed: { token: 't' } } })
  })
  test('an invite without `signed` leaves an empty object', () =>
    assert.deepEqual(redacted({ x: 1 }), { third_party_invite: {} }))
  test('an invite that is no object goes', () => {
    for (const invite of [null, 'x', 1, true, ['signed']]) assert.deepEqual(redacted(invite), {})
  })
})

test('the PDU is not changed, nothing is copied deeper than needed', () => {
  const content = { membership: 'join', displayname: 'x' }
  const hashes = { sha256: 'x' }
  const pdu: Pdu = Object.freeze({ type: 'm.room.member', content: Object.freeze(content), hashes, unsigned: {} })
  const redacted = redact(pdu, rulesOf('10').redaction)
  assert.deepEqual(redacted, { type: 'm.room.member', content: { membership: 'join' }, hashes })
  assert.equal(redacted['hashes'], hashes)
})

test('redacting twice changes nothing more', () => {
  for (const version of versions) {
    const rules = rulesOf(version).redaction
    for (const [type, content] of Object.entries(everything)) {
      const once = redact({ type, content, sender: '@a:b' }, rules)
      assert.deepEqual(redact(once, rules), once)
    }
  }
})

test('keys of the prototype are no keys of the event', () => {
  const pdu = parseLossless('{"type":"constructor","content":{"__proto__":{"membership":"ban"}},"__proto__":{"sender":"@a:b"}}')
  assert.ok(typeof pdu === 'object' && pdu !== null && !Array.isArray(pdu))
  assert.deepEqual(redact(pdu, rulesOf('11').redaction), { type: 'constructor', content: {} })
  const member: Pdu = JSON.parse('{"type":"m.room.member","content":{"__proto__":{"membership":"ban"}}}')
  assert.deepEqual(redact(member, rulesOf('11').redaction)['content'], {})
})

test('content that is no object, or missing, becomes an empty object', () => {
  const rules = rulesOf('11').redaction
  for (const pdu of [
    { type: 'm.room.create', content: 'x' },
    { type: 'm.room.create' },
    { type: 1, content: { creator: 'x' } },
  ]) {
    assert.deepEqual(redact(pdu, rules)['content'], {})
  }
})
