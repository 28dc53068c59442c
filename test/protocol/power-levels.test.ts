import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import type { Event } from '../../src/protocol/event.ts'
import { creatorsOf, powerLevelOf, powerLevelsFrom, powerLevelsIn, readLevel } from '../../src/protocol/power-levels.ts'
import { lookupIn } from '../../src/protocol/state-map.ts'
import { parseLossless } from '../../src/protocol/strict-json.ts'
import { makeEvent, rulesOf, userId } from '../support/dag.ts'

const create = (version: string, content: JsonObject = { creator: '@alice:a' }): Event =>
  makeEvent(rulesOf(version), { type: 'm.room.create', stateKey: '', sender: userId('alice'), content })
const power = (version: string, content: JsonObject): Event =>
  makeEvent(rulesOf(version), { type: 'm.room.power_levels', stateKey: '', sender: userId('alice'), content })
const levels = (version: string, content: JsonObject) =>
  powerLevelsFrom(power(version, content), create(version), rulesOf(version))

test('without a power levels event, the creator has 100 until version 11, and all others 0', () => {
  for (const version of ['1', '10', '11']) {
    const none = powerLevelsFrom(undefined, create(version), rulesOf(version))
    assert.equal(none.of('@alice:a'), 100)
    assert.equal(none.of('@bob:a'), 0)
  }
})

test('without a power levels event, the levels are those of an empty one', () => {
  for (const rules of [powerLevelsFrom(undefined, create('11'), rulesOf('11')), levels('11', {})]) {
    assert.deepEqual([rules.invite, rules.kick, rules.ban, rules.redact], [0, 50, 50, 50])
    assert.deepEqual([rules.toSend('m.room.message', false), rules.toSend('m.room.topic', true)], [0, 50])
    assert.equal(rules.toNotify('room'), 50)
  }
})

test('with a power levels event, the creator is a user like all others until version 11', () => {
  assert.equal(levels('11', { users_default: 7 }).of('@alice:a'), 7)
  assert.equal(levels('11', { users: { '@alice:a': 30 } }).of('@alice:a'), 30)
})

test('what the event says goes before the defaults', () => {
  const said = levels('11', {
    users: { '@bob:a': 60, __proto__: 1 },
    users_default: 5,
    events: { 'm.room.topic': 20, 'm.room.message': 10 },
    events_default: 3,
    state_default: 40,
    invite: 1,
    kick: 2,
    ban: 3,
    redact: 4,
    notifications: { room: 80 },
  })
  assert.deepEqual([said.of('@bob:a'), said.of('@carol:a'), said.of('toString')], [60, 5, 5])
  assert.deepEqual([said.toSend('m.room.topic', true), said.toSend('m.room.name', true)], [20, 40])
  assert.deepEqual([said.toSend('m.room.message', false), said.toSend('m.sticker', false)], [10, 3])
  assert.deepEqual(
    [said.invite, said.kick, said.ban, said.redact, said.toNotify('room'), said.toNotify('other')],
    [1, 2, 3, 4, 80, 50],
  )
})

test('since version 12 creators are above all levels, with and without a power levels event', () => {
  const made = create('12', { additional_creators: ['@bob:b'] })
  for (const event of [undefined, power('12', { users: { '@alice:a': 1 }, users_default: 50 })]) {
    const view = powerLevelsFrom(event, made, rulesOf('12'))
    assert.equal(view.of('@alice:a'), Number.POSITIVE_INFINITY)
    assert.equal(view.of('@bob:b'), Number.POSITIVE_INFINITY)
    assert.equal(view.of('@carol:a'), event ? 50 : 0)
  }
})

test('the creator is named by the content until version 10, and is the sender from 11 on', () => {
  assert.deepEqual([...creatorsOf(create('10', { creator: '@zoe:a' }))], ['@zoe:a'])
  assert.deepEqual([...creatorsOf(create('10', {}))], [])
  assert.deepEqual([...creatorsOf(create('11', { creator: '@zoe:a', additional_creators: ['@bob:a'] }))], ['@alice:a'])
  assert.deepEqual([...creatorsOf(create('12', { additional_creators: ['@bob:a', 5] }))], ['@alice:a', '@bob:a'])
})

test('a level may be text until version 9', () => {
  const accepted: [string, number][] = [
    ['100', 100],
    ['000100', 100],
    ['+100', 100],
    ['-100', -100],
    [' 00100 ', 100],
    ['\t+5\n', 5],
    ['-0', 0],
  ]
  for (const [text, level] of accepted) {
    for (const version of ['1', '6', '9']) assert.equal((readLevel(text, rulesOf(version)) ?? Number.NaN) + 0, level, text)
    assert.equal(readLevel(text, rulesOf('10')), undefined)
  }
  for (const text of ['', ' ', '+', '1.0', '1e3', '0x10', '1_0', '+ 1', '--1', '1 1', 'ten', 'Infinity', '٣', '9'.repeat(400)]) {
    assert.equal(readLevel(text, rulesOf('1')), undefined, text)
  }
})

test('a level may be a fraction until version 5, and is cut off at the point', () => {
  const accepted: [string, number][] = [
    ['50.57', 50],
    ['-50.57', -50],
    ['5.114698E4', 51146],
    ['1.0', 1],
    ['1e3', 1000],
    ['0.9', 0],
  ]
  for (const [source, level] of accepted) {
    assert.equal((readLevel(parseLossless(source), rulesOf('5')) ?? Number.NaN) + 0, level, source)
    assert.equal(readLevel(parseLossless(source), rulesOf('6')), undefined, source)
  }
  assert.equal(readLevel(parseLossless('1e400'), rulesOf('1')), undefined)
})

test('nothing else is a level', () => {
  for (const value of [null, true, [], {}, [5], undefined]) {
    for (const version of ['1', '12']) assert.equal(readLevel(value, rulesOf(version)), undefined)
  }
})

test('a level that is none counts as absent', () => {
  const odd = levels('1', { ban: 'high', kick: null, users: { '@bob:a': {} }, users_default: 9, events: [] })
  assert.deepEqual([odd.ban, odd.kick, odd.of('@bob:a'), odd.toSend('m.room.topic', true)], [50, 50, 9, 50])
})

test('the view of an event is made once, but not kept where the create event was missing', () => {
  const event = power('12', { users: { '@bob:a': 9 } })
  const blind = powerLevelsFrom(event, undefined, rulesOf('12'))
  assert.equal(blind.of('@alice:a'), 0)
  const made = create('12', {})
  const view = powerLevelsFrom(event, made, rulesOf('12'))
  assert.equal(view.of('@alice:a'), Number.POSITIVE_INFINITY)
  assert.equal(powerLevelsIn(lookupIn([made, event]), rulesOf('12')), view)
  assert.equal(powerLevelOf('@bob:a', lookupIn([made, event]), rulesOf('12')), 9)
})
