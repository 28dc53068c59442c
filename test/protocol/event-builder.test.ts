import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type EventId, isRoomId, isUserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { buildEvent, type EventTemplate } from '../../src/protocol/event-builder.ts'
import { MAX_EVENT_BYTES, parseEvent } from '../../src/protocol/event-format.ts'
import { eventIdFromBytes, eventIdOf, isEventIdOf } from '../../src/protocol/event-id.ts'
import { contentHash, referenceHash } from '../../src/protocol/hashes.ts'
import { knownRoomVersions } from '../../src/protocol/room-versions.ts'
import { signEvent, signingKeyFromSeed, verifyEventSignature, verifyKeyFrom } from '../../src/protocol/signing.ts'
import { rulesOf } from '../support/dag.ts'

const key = signingKeyFromSeed('a_test', Buffer.alloc(32, 5))
const sender = checked('@alice:a.org', isUserId)
const roomId = checked('!r:a.org', isRoomId)

function checked<T extends string>(text: string, is: (value: string) => value is T): T {
  assert.ok(is(text))
  return text
}

/** A template that fits the version, with ids that do. */
function template(version: string, changes: Partial<EventTemplate> = {}): EventTemplate {
  const id = (letter: string): EventId => {
    const rules = rulesOf(version)
    const text = version === '1' || version === '2' ? `$${letter}:a.org` : eventIdFromBytes(Buffer.alloc(32, letter), rules)
    assert.ok(isEventIdOf(text, rules))
    return text
  }
  const chosen = { eventId: id('e'), referenceHashOf: (eventId: EventId) => Buffer.alloc(32, eventId) }
  return {
    type: 'm.room.message',
    sender,
    roomId,
    content: { msgtype: 'm.text', body: 'Hi' },
    originServerTs: 1700000000000,
    depth: 7,
    prevEvents: [id('p')],
    authEvents: [id('a'), id('b')],
    ...(version === '1' || version === '2' ? { chosen } : {}),
    ...changes,
  }
}

const contents: Record<string, JsonObject> = {
  'm.room.message': { msgtype: 'm.text', body: 'Hi 😀', 10: 1, 9: 2 },
  'm.room.member': {
    membership: 'join',
    displayname: 'A',
    join_authorised_via_users_server: '@b:b',
    third_party_invite: { signed: {}, x: 1 },
  },
  'm.room.create': { room_version: 'x', creator: sender },
  'm.room.power_levels': { users: { [sender]: 100 }, invite: 0, ban: 50, notifications: {} },
  'm.room.join_rules': { join_rule: 'restricted', allow: [] },
  'm.room.aliases': { aliases: [] },
  'm.room.redaction': { reason: 'spam' },
}

for (const version of knownRoomVersions) {
  suite(`room version ${version}`, () => {
    const rules = rulesOf(version)
    for (const [type, content] of Object.entries(contents)) {
      test(`an ${type} has the hashes that its PDU has, and is read back as it is once signed`, () => {
        const redacts = type === 'm.room.redaction' ? { redacts: template(version).prevEvents[0] } : {}
        const stateKey = type === 'm.room.message' ? {} : { stateKey: '' }
        const event = buildEvent(template(version, { type, content, ...redacts, ...stateKey }), rules)
        assert.deepEqual(event.pdu['hashes'], { sha256: contentHash(event.pdu) })
        assert.equal(eventIdOf(event.pdu, rules), event.eventId)
        const signed = signEvent(event.pdu, rules, 'a.org', key)
        assert.deepEqual(signed['hashes'], event.pdu['hashes'])
        const verifyKey = verifyKeyFrom(key.publicKey)
        assert.ok(verifyKey && verifyEventSignature(signed, rules, 'a.org', key.keyId, verifyKey))
        const verdict = parseEvent(JSON.parse(JSON.stringify(signed)), rules)
        assert.deepEqual(verdict, { event: { ...event, pdu: signed }, contentHashMatches: true })
      })
    }
  })
}

suite('a local event', () => {
  const rules = rulesOf('11')
  test('has its keys in canonical order and shares the content', () => {
    const content = { b: 1, a: 2 }
    const event = buildEvent(template('11', { content, stateKey: 'x' }), rules)
    assert.deepEqual(Object.keys(event.pdu), Object.keys(event.pdu).toSorted())
    assert.equal(event.content, content)
    assert.equal(event.pdu['content'], content)
  })
  test('of any content has the hashes that its PDU has', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(fc.dictionary(text, fc.oneof(text, fc.maxSafeInteger(), fc.array(text))), (content) => {
        const event = buildEvent(template('11', { content }), rules)
        assert.deepEqual(event.pdu['hashes'], { sha256: contentHash(event.pdu) })
        assert.equal(event.eventId, eventIdFromBytes(referenceHash(event.pdu, rules), rules))
      }),
    )
  })
  test('that creates a room of version 12 names the room', () => {
    const create = {
      type: 'm.room.create',
      stateKey: '',
      roomId: undefined,
      prevEvents: [],
      authEvents: [],
      content: { room_version: '12' },
    }
    const event = buildEvent(template('12', create), rulesOf('12'))
    assert.ok(!('room_id' in event.pdu))
    assert.equal(event.roomId, `!${event.eventId.slice(1)}`)
  })
  test('puts the target of a redaction where the version wants it', () => {
    for (const [version, inContent] of [
      ['10', false],
      ['11', true],
    ] as const) {
      const redacts = template(version).prevEvents[0]
      const event = buildEvent(
        template(version, { type: 'm.room.redaction', content: { reason: 'x' }, redacts }),
        rulesOf(version),
      )
      assert.equal(event.redacts, redacts)
      assert.deepEqual(event.pdu['content'], inContent ? { reason: 'x', redacts } : { reason: 'x' })
      assert.equal(event.pdu['redacts'], inContent ? undefined : redacts)
    }
  })
  test('is no deeper than the limit', () => {
    assert.equal(buildEvent(template('11', { depth: 2 ** 53 }), rules).pdu['depth'], 2 ** 53 - 1)
  })
  test('cites with hashes in versions 1 and 2', () => {
    const { pdu } = buildEvent(template('1'), rulesOf('1'))
    assert.deepEqual(pdu['prev_events'], [['$p:a.org', { sha256: Buffer.alloc(32, '$p:a.org').toString('base64').slice(0, 43) }]])
  })
  test('with numbers that are not canonical is refused from version 6 on, with the place', () => {
    const content = { info: { w: 1.5 } }
    assert.throws(() => buildEvent(template('6', { content }), rulesOf('6')), {
      errcode: 'M_BAD_JSON',
      message: /^info\.w: 1\.5/,
    })
    buildEvent(template('5', { content }), rulesOf('5'))
  })
  test('with half a surrogate pair is refused', () => {
    for (const part of [{ content: { body: '\ud800' } }, { type: '\udfff' }, { stateKey: '\ud800' }]) {
      assert.throws(() => buildEvent(template('11', part), rules), { errcode: 'M_BAD_JSON' })
    }
  })
  test('that is too large is refused, and the largest one still fits with a signature', () => {
    const build = (length: number) => buildEvent(template('11', { content: { body: 'x'.repeat(length) } }), rules)
    let length = MAX_EVENT_BYTES
    for (let step = length / 2; step >= 1; step /= 2) {
      try {
        build(length - step)
      } catch {
        length -= step
      }
    }
    assert.throws(() => build(length), { errcode: 'M_TOO_LARGE', status: 413 })
    const signed = signEvent(build(length - 1).pdu, rules, 'a.org', key)
    assert.ok('event' in parseEvent(signed, rules))
    assert.ok(MAX_EVENT_BYTES - Buffer.byteLength(JSON.stringify(signed)) < 512)
    for (const part of [{ type: 'x'.repeat(256) }, { stateKey: 'é'.repeat(128) }]) {
      assert.throws(() => buildEvent(template('11', part), rules), { errcode: 'M_TOO_LARGE' })
    }
  })
})
