import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Json, JsonObject } from '../../schemas/json.ts'
import type { Event, Pdu } from '../../src/protocol/event.ts'
import { MAX_EVENT_BYTES, type ParseOptions, parseEvent, readEvent, redactedEvent } from '../../src/protocol/event-format.ts'
import { eventIdOf } from '../../src/protocol/event-id.ts'
import { contentHash } from '../../src/protocol/hashes.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { rulesOf } from '../support/dag.ts'

const hashId = (letter: string) => `$${letter.repeat(42)}A`

/** A PDU of room versions 4 to 11, hashed, with `changes` put over it (undefined takes a key away). */
function pdu(changes: Record<string, Json | undefined> = {}): Pdu {
  const whole: Record<string, Json | undefined> = {
    type: 'm.room.message',
    sender: '@alice:a.org',
    room_id: '!r:a.org',
    content: { body: 'x' },
    depth: 3,
    origin_server_ts: 1700000000000,
    prev_events: [hashId('p')],
    auth_events: [hashId('a'), hashId('b')],
    signatures: { 'a.org': { 'ed25519:1': 'x' } },
    ...changes,
  }
  const present: Pdu = JSON.parse(JSON.stringify(whole))
  return 'hashes' in changes ? present : { ...present, hashes: { sha256: contentHash(present) } }
}

function parsed(value: Json, version = '10', options: ParseOptions = {}) {
  const verdict = parseEvent(value, rulesOf(version), options)
  assert.ok('event' in verdict, 'refused' in verdict ? verdict.refused : '')
  return verdict
}

function refusal(value: Json, version = '10', options: ParseOptions = {}): string {
  const verdict = parseEvent(value, rulesOf(version), options)
  assert.ok('refused' in verdict, 'accepted')
  return verdict.refused
}

suite('a well-formed event', () => {
  test('is read, with its id', () => {
    const value = pdu({ type: 'm.room.name', state_key: '' })
    const { event, contentHashMatches } = parsed(value)
    assert.ok(contentHashMatches)
    const { rules: _rules, pdu: kept, ...members } = event
    assert.deepEqual(kept, value)
    assert.deepEqual(members, {
      eventId: eventIdOf(value, rulesOf('10')),
      roomId: '!r:a.org',
      type: 'm.room.name',
      stateKey: '',
      sender: '@alice:a.org',
      content: { body: 'x' },
      originServerTs: 1700000000000,
      depth: 3,
      prevEvents: [hashId('p')],
      authEvents: [hashId('a'), hashId('b')],
      redacts: undefined,
    })
  })
  test('without a state key is no state event', () => assert.equal(parsed(pdu()).event.stateKey, undefined))
  test('has an id without `event_id` from version 3 on, in the alphabet of its version', () => {
    for (const version of ['4', '6', '11']) assert.equal(parsed(pdu(), version).event.eventId, eventIdOf(pdu(), rulesOf(version)))
    const standard = { prev_events: [hashId('+')], auth_events: [hashId('/')] }
    assert.equal(parsed(pdu(standard), '3').event.prevEvents[0], hashId('+'))
    refusal(pdu(standard), '4')
    refusal(pdu({ prev_events: [hashId('-')] }), '3')
  })
  test('loses its unsigned', () => {
    const { event, contentHashMatches } = parsed(pdu({ unsigned: { age: 1, transaction_id: 'x' } }))
    assert.ok(contentHashMatches)
    assert.ok(!('unsigned' in event.pdu))
    assert.ok(!('unsigned' in parsed(pdu({ unsigned: null })).event.pdu))
  })
  test('keeps keys that we do not know, __proto__ among them', () => {
    const text = JSON.stringify(pdu()).replace('{', '{"__proto__":{"sender":"@eve:e.org"},"origin":"a.org",')
    const value = parseLossless(text)
    const { event, contentHashMatches } = parsed(value)
    assert.ok(!contentHashMatches)
    assert.equal(JSON.stringify(event.pdu), text)
    assert.equal(event.sender, '@alice:a.org')
  })
})

suite('the content hash', () => {
  test('does not match where anything was changed or taken away', () => {
    assert.ok(!parsed({ ...pdu(), content: {} }).contentHashMatches)
    assert.ok(!parsed({ ...pdu(), extra: true }).contentHashMatches)
    assert.ok(!parsed(pdu({ hashes: { sha256: 'x' } })).contentHashMatches)
  })
  test('is compared as bytes', () => {
    const sha256 = contentHash(pdu())
    assert.ok(parsed(pdu({ hashes: { sha256: `${sha256}=` } })).contentHashMatches)
    assert.ok(!parsed(pdu({ hashes: { sha256: sha256.toLowerCase() } })).contentHashMatches)
  })
})

suite('members of a wrong form are refused', () => {
  const wrong: Record<string, (Json | undefined)[]> = {
    type: [undefined, null, 1, {}, 'x'.repeat(256), 'é'.repeat(128)],
    sender: [undefined, null, 1, 'alice', '@alice', '@alice:', '@a:not a name', `@${'x'.repeat(251)}:a.org`, '$x:a.org'],
    room_id: [undefined, null, 1, 'r', `!${'x'.repeat(255)}`, '$x:a.org'],
    state_key: [null, 1, {}, 'x'.repeat(256), 'é'.repeat(128)],
    content: [undefined, null, 1, 'x', []],
    origin_server_ts: [undefined, null, '1'],
    depth: [undefined, null, '1', -1, []],
    prev_events: [
      undefined,
      null,
      'x',
      {},
      [1],
      ['x'],
      ['$x:a.org'],
      [hashId('a').slice(1)],
      [[hashId('a'), {}]],
      Array(21).fill(hashId('a')),
    ],
    auth_events: [undefined, null, 'x', {}, [1], ['x'], ['$x:a.org'], Array(11).fill(hashId('a'))],
    hashes: [undefined, null, 'x', {}, { sha256: 1 }, [{ sha256: 'x' }]],
    signatures: [undefined, null, 'x', [], { 'a.org': 'x' }, { 'a.org': null }, { 'a.org': { 'ed25519:1': 1 } }],
  }
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      const name = JSON.stringify(value)?.slice(0, 40)
      test(`${key}: ${name}`, () => {
        const expected = key === 'hashes' ? /^hashes/ : new RegExp(key)
        assert.match(refusal(pdu({ [key]: value })), expected)
      })
    }
  }
  test('the longest that are allowed', () => {
    const { event } = parsed(
      pdu({
        type: 'x'.repeat(255),
        state_key: `${'é'.repeat(127)}x`,
        sender: `@${'x'.repeat(248)}:a.org`,
        room_id: `!${'x'.repeat(254)}`,
        prev_events: Array(20).fill(hashId('a')),
        auth_events: Array(10).fill(hashId('a')),
        depth: Number.MAX_SAFE_INTEGER,
      }),
    )
    assert.equal(event.prevEvents.length, 20)
  })
  test('what is no object', () => {
    for (const value of [null, 1, 'x', [], true]) assert.equal(refusal(value), 'not a JSON object')
  })
  test('more prev_events and auth_events are allowed in backfill', () => {
    const many = pdu({ prev_events: Array(21).fill(hashId('a')), auth_events: Array(11).fill(hashId('a')) })
    assert.equal(parsed(many, '10', { unlimitedEdges: true }).event.authEvents.length, 11)
  })
})

const padded = (bytes: number) => {
  const empty = JSON.stringify(pdu({ content: { body: '' } })).length
  return pdu({ content: { body: 'é'.repeat(2) + 'x'.repeat(bytes - empty - 4) }, unsigned: { padding: 'x'.repeat(1000) } })
}

suite('size', () => {
  test('65,536 bytes are allowed, one more is not', () => {
    const { event } = parsed(padded(MAX_EVENT_BYTES))
    assert.equal(Buffer.byteLength(JSON.stringify(event.pdu)), MAX_EVENT_BYTES)
    assert.match(refusal(padded(MAX_EVENT_BYTES + 1)), /65537 bytes/)
  })
})

const withText = (text: string, key = 'content') => parseLossless(JSON.stringify(pdu({ [key]: 'HERE' })).replace('"HERE"', text))

suite('numbers', () => {
  const odd = ['1.0', '1.5', '1e3', '-0', '9007199254740992', '12345678901234567890']
  test('that are not canonical are refused from version 6 on, and allowed before', () => {
    for (const number of odd) {
      const value = withText(`{"a":[${number}]}`)
      assert.match(refusal(value, '6'), /content\.a\.0/)
      const { event } = parsed(value, '5')
      assert.equal(JSON.stringify(event.pdu), JSON.stringify(value))
      assert.match(JSON.stringify(event.content), new RegExp(number))
    }
  })
  test('in versions 1 to 5 are hashed as they came', () => {
    const value = withText('{"a":1.0}')
    assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value))
    const hashed = { ...value, hashes: { sha256: contentHash(value) } }
    assert.ok(parsed(hashed, '5').contentHashMatches)
    const rounded: Pdu = JSON.parse(JSON.stringify(hashed).replace('1.0', '1'))
    assert.ok(!parsed(rounded, '5').contentHashMatches)
  })
  test('a depth to 2^63 - 1 is allowed before version 6', () => {
    assert.equal(parsed(withText('9223372036854775807', 'depth'), '5').event.depth, Number.MAX_SAFE_INTEGER)
    assert.match(refusal(withText('9223372036854775807', 'depth'), '6'), /depth/)
    assert.match(refusal(withText('19223372036854775807', 'depth'), '5'), /depth/)
    assert.match(refusal(withText('3.0', 'depth'), '5'), /depth/)
  })
  test('content, hashes and signatures that are a raw number are no objects', () => {
    for (const key of ['content', 'hashes', 'signatures']) assert.match(refusal(withText('1.0', key), '5'), new RegExp(key))
  })
})

suite('text', () => {
  test('half a surrogate pair is refused in every version', () => {
    for (const version of ['3', '5', '6', '12']) {
      const edges = version === '12' ? { room_id: '!x' } : {}
      assert.match(
        refusal(JSON.parse(JSON.stringify(pdu({ ...edges, content: { a: 'HERE' } })).replace('HERE', '\\ud800')), version),
        /content\.a/,
      )
    }
  })
  test('nesting beyond the bound is refused without overflow', () => {
    const deep: Json = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)
    assert.match(refusal({ ...pdu(), content: { deep } }), /deep/)
    assert.match(refusal({ ...pdu(), hashes: { sha256: 'x', deep } }), /deep/)
  })
})

const pairs = (ids: string[]): Json => ids.map((id) => [id, { sha256: 'x' }])

const legacy = (changes: Record<string, Json | undefined> = {}) =>
  pdu({ event_id: '$e:a.org', prev_events: pairs(['$p:a.org']), auth_events: pairs(['$a:a.org', '$b:b.org']), ...changes })

suite('room versions 1 and 2', () => {
  test('ids are chosen, edges are pairs of id and hashes', () => {
    const { event, contentHashMatches } = parsed(legacy(), '1')
    assert.ok(contentHashMatches)
    assert.equal(event.eventId, '$e:a.org')
    assert.deepEqual(event.prevEvents, ['$p:a.org'])
    assert.deepEqual(event.authEvents, ['$a:a.org', '$b:b.org'])
    assert.deepEqual(parsed(legacy({ prev_events: [['$p:a.org', {}]] }), '2').event.prevEvents, ['$p:a.org'])
  })
  test('other forms are refused', () => {
    for (const event_id of [undefined, 1, '', hashId('a'), `$${'x'.repeat(250)}:a.org`])
      assert.match(refusal(legacy({ event_id }), '1'), /event_id/)
    for (const prev_events of [
      ['$p:a.org'],
      [['$p:a.org']],
      [['$p:a.org', 'x']],
      [['$p:a.org', {}, 1]],
      [[1, {}]],
      [[hashId('a'), {}]],
    ]) {
      assert.match(refusal(legacy({ prev_events }), '1'), /prev_events/)
    }
  })
})

suite('room version 12', () => {
  const edges = { prev_events: [], auth_events: [] }
  test('a create event has no room id: its own id takes the place', () => {
    const { event } = parsed(pdu({ type: 'm.room.create', state_key: '', room_id: undefined, ...edges }), '12')
    assert.equal(event.roomId, `!${event.eventId.slice(1)}`)
  })
  test('a room id that a create event has is left to the authorisation rules', () => {
    assert.equal(parsed(pdu({ type: 'm.room.create', state_key: '', room_id: '!x', ...edges }), '12').event.roomId, '!x')
  })
  test('other events need one', () => assert.match(refusal(pdu({ room_id: undefined }), '12'), /room_id/))
  test('so do create events of other versions', () => {
    assert.match(refusal(pdu({ type: 'm.room.create', state_key: '', room_id: undefined, ...edges }), '11'), /room_id/)
  })
})

const redaction = (changes: JsonObject, version: string): Event =>
  parsed(pdu({ type: 'm.room.redaction', ...changes }), version).event

suite('redactions', () => {
  test('the target is beside the content until version 10, in it from 11 on', () => {
    const both = { redacts: hashId('o'), content: { redacts: hashId('n') } }
    assert.equal(redaction(both, '10').redacts, hashId('o'))
    assert.equal(redaction(both, '11').redacts, hashId('n'))
  })
  test('a target that is no event id is none', () => {
    for (const redacts of [1, null, 'x', {}]) assert.equal(redaction({ redacts }, '10').redacts, undefined)
  })
  test('other events have no target', () => assert.equal(parsed(pdu({ redacts: hashId('o') })).event.redacts, undefined))
  test('a redacted event keeps its id and loses its content', () => {
    const { event } = parsed(pdu({ unsigned: {} }))
    const redacted = redactedEvent(event)
    assert.equal(redacted.eventId, event.eventId)
    assert.deepEqual(redacted.content, {})
    assert.deepEqual(redacted.pdu['content'], {})
    assert.deepEqual(event.content, { body: 'x' })
    assert.equal(eventIdOf(redacted.pdu, event.rules), event.eventId)
  })
  test('a redacted redaction still says what it redacted from version 11 on', () => {
    assert.equal(redactedEvent(redaction({ content: { redacts: hashId('n') } }, '11')).redacts, hashId('n'))
    assert.equal(redactedEvent(redaction({ redacts: hashId('o') }, '10')).redacts, undefined)
  })
})

test('an event is read again from storage without its hashes being computed', () => {
  const { event } = parsed(pdu())
  assert.deepEqual(readEvent(event.pdu, event.rules, event.eventId), event)
})
