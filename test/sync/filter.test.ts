import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EventFilter } from '../../src/sync/event-filter.ts'
import { FilterCompiler } from '../../src/sync/filter.ts'

const passes = (filter: ConstructorParameters<typeof EventFilter>[0], event: Parameters<EventFilter['passes']>[0]) =>
  new EventFilter(filter).passes(event)

describe('an event filter', () => {
  test('lets everything pass where it says nothing', () => {
    assert.ok(new EventFilter({}).isOpen)
    assert.ok(passes({ limit: 3 }, { type: 'm.room.message', sender: '@a:b' }))
  })

  test('lets nothing pass where its types or senders are empty', () => {
    assert.ok(new EventFilter({ types: [] }).isClosed)
    assert.ok(!passes({ types: [] }, { type: 'm.room.message' }))
    assert.ok(!passes({ senders: [] }, { type: 'm.room.message', sender: '@a:b' }))
  })

  for (const [pattern, type, expected] of [
    ['m.room.message', 'm.room.message', true],
    ['m.room.message', 'm.room.message.x', false],
    ['m.room.*', 'm.room.message', true],
    ['m.room.*', 'm.roomXmessage', false],
    ['*', '', true],
    ['*.message', 'm.room.message', true],
    ['m.*.m*e', 'm.room.message', true],
    ['ab*ba', 'aba', false],
    ['a**b', 'ab', true],
  ] as const) {
    test(`of the type ${pattern} ${expected ? 'matches' : 'does not match'} "${type}"`, () => {
      assert.equal(passes({ types: [pattern] }, { type }), expected)
      assert.equal(passes({ not_types: [pattern] }, { type }), !expected)
    })
  }

  test('excludes a type and a sender even if they are listed to be included', () => {
    const both = { types: ['m.*'], not_types: ['m.reaction'], senders: ['@a:b', '@c:d'], not_senders: ['@c:d'] }
    assert.ok(passes(both, { type: 'm.room.message', sender: '@a:b' }))
    assert.ok(!passes(both, { type: 'm.reaction', sender: '@a:b' }))
    assert.ok(!passes(both, { type: 'm.room.message', sender: '@c:d' }))
    assert.ok(!passes(both, { type: 'm.room.message', sender: '@e:f' }))
  })

  test('asks for a url in the content, or for none', () => {
    assert.ok(passes({ contains_url: true }, { type: 't', content: { url: 'mxc://a/b' } }))
    assert.ok(!passes({ contains_url: true }, { type: 't', content: {} }))
    assert.ok(passes({ contains_url: false }, { type: 't', content: {} }))
    assert.ok(!passes({ contains_url: false }, { type: 't', content: { url: 'mxc://a/b' } }))
  })

  test('excludes a room even if it is listed to be included', () => {
    const filter = new EventFilter({ rooms: ['!a', '!b'], not_rooms: ['!b'] })
    assert.deepEqual(
      ['!a', '!b', '!c'].map((roomId) => filter.allowsRoom(roomId)),
      [true, false, false],
    )
  })

  for (const wrong of [
    { types: 'm.room.message' },
    { types: [1] },
    { lazy_load_members: 'true' },
    { lazy_load_members: 1 },
    { limit: -1 },
    { limit: '5' },
  ]) {
    test(`is refused with ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => new EventFilter(wrong), { errcode: 'M_BAD_JSON', status: 400 })
    })
  }
})

describe('a sync filter', () => {
  const compiler = new FilterCompiler()

  test('is the same object for the same text', () => {
    const text = '{"room":{"timeline":{"limit":5}}}'
    assert.equal(compiler.compile(text), compiler.compile(text))
    assert.notEqual(compiler.compile(text).id, compiler.compile('{}').id)
  })

  test('has a limit for the timeline that is neither missing nor too large', () => {
    const limits = [undefined, 0, 5, 1_000_000].map((limit) => JSON.stringify({ room: { timeline: { limit } } }))
    assert.deepEqual(
      limits.map((text) => compiler.compile(text).timelineLimit),
      [10, 0, 5, 100],
    )
  })

  for (const wrong of ['', '[]', 'null', '{"room":[]}', '{"event_format":"xml"}', '{"event_fields":"type"}']) {
    test(`is refused where it is ${wrong || 'empty'}`, () => {
      assert.throws(() => compiler.compile(wrong), { status: 400 })
    })
  }
})
