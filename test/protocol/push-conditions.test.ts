import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { powerLevelsFrom } from '../../src/protocol/power-levels.ts'
import {
  compilePushRules,
  evaluatePushRules,
  type PushCondition,
  type PushRule,
  PushSubject,
} from '../../src/protocol/push-rules.ts'
import { makeEvent, type Parts, rulesOf, userId } from '../support/dag.ts'

const rules = rulesOf('11')
const power = makeEvent(rules, {
  type: 'm.room.power_levels',
  stateKey: '',
  sender: userId('alice'),
  content: { users: { '@alice:a': 60 }, notifications: { room: 60, cake: 61 } },
})
const levels = powerLevelsFrom(power, undefined, rules)

function subject(type: string, content: JsonObject, more: Partial<Parts> = {}): PushSubject {
  return new PushSubject(makeEvent(rules, { type, sender: userId('alice'), content, ...more }), 3, levels)
}
const message = (body: string) => subject('m.room.message', { msgtype: 'm.text', body })

const probe = (more: Partial<PushRule>): PushRule => ({
  rule_id: 'probe',
  default: false,
  enabled: true,
  actions: ['notify'],
  ...more,
})

/** Whether a rule with these conditions matches an event. */
function matched(conditions: PushCondition[], what: PushSubject, name?: string): boolean {
  const set = { override: [probe({ conditions })], content: [probe({})], postcontent: [], room: [], sender: [], underride: [] }
  return evaluatePushRules(compilePushRules(set, '@me:a'), what, { displayName: name }).ruleId === 'probe'
}

/** Whether one condition holds for an event. */
const holds = (condition: PushCondition, what: PushSubject, name?: string) => matched([condition], what, name)
const matches = (key: string, pattern: Json, what: PushSubject) => holds({ kind: 'event_match', key, pattern }, what)

const topic = (value: Json) => subject('m.room.topic', { topic: value }, { stateKey: '' })

test('event_match: all of a property, case folded, with globs', () => {
  for (const value of ['Lunch plans', 'LUNCH', 'lunch']) assert.ok(matches('content.topic', 'lunc?*', topic(value)), value)
  for (const value of [' lunch', 'lunc', null, 5]) assert.ok(!matches('content.topic', 'lunc?*', topic(value)))
  assert.ok(matches('content.topic', 'lunch', topic('Lunch')))
  assert.ok(!matches('content.missing', '*', topic('x')))
  assert.ok(matches('room_id', '!ROOM:a', topic('x')))
  assert.ok(matches('event_id', '$event', topic('x')))
  assert.ok(matches('sender', '@alice:*', topic('x')))
  assert.ok(matches('state_key', '', topic('x')))
  assert.ok(!matches('state_key', '', message('x')))
  assert.ok(!matches('content', '*', topic('x')))
})

const inBody = (text: string, pattern: string) => matches('content.body', pattern, message(text))

test('event_match: any part of the body between word boundaries', () => {
  for (const text of ['An example event.', 'exple', 'An exciting triple-whammy', 'EXAMPLE', 'x ex-ple'])
    assert.ok(inBody(text, 'ex*ple'), text)
  for (const text of ['An hexample', 'examples', 'ex', '']) assert.ok(!inBody(text, 'ex*ple'), text)
  assert.ok(inBody('a cake!', 'cake'))
  assert.ok(inBody('käse cakeé', 'cake'), 'é is no word character')
  assert.ok(!inBody('cakes', 'cake'))
  assert.ok(!inBody('my_cake', 'cake'))
  assert.ok(inBody('cakes cake', 'cake'), 'the second one fits')
  assert.ok(inBody('the cat', 'c?t'))
  assert.ok(inBody('a \u{1f370} b', '?'))
  assert.ok(!inBody('cut', 'c?'))
  assert.ok(inBody('cakes and lies', 'cake*lies'))
  assert.ok(!inBody('pancake lies', 'cake*lie'))
  assert.ok(inBody('anything', '*'))
  assert.ok(inBody('foo!cake bar', '!cake'))
})

test('event_match: many stars come to an end', () => {
  assert.ok(!matches('content.body', `${'*a'.repeat(50)}!`, message('a'.repeat(20_000))))
  assert.ok(!matches('content.topic', `${'*a'.repeat(50)}!`, subject('m.room.topic', { topic: 'a'.repeat(20_000) })))
})

test('event_property_is: exactly, and scalars only', () => {
  const what = subject('m.room.create', { 'm.federate': true, creator: '@a:b', count: 1, none: null, list: [1], 'a.b\\c': 'x' })
  const is = (key: string, value: Json) => holds({ kind: 'event_property_is', key, value }, what)
  assert.ok(is('content.m\\.federate', true))
  assert.ok(!is('content.m\\.federate', 'true'))
  assert.ok(!is('content.m\\.federate', 1))
  assert.ok(!is('content.m.federate', true))
  assert.ok(is('content.count', 1))
  assert.ok(is('content.none', null))
  assert.ok(!is('content.missing', null))
  assert.ok(!is('content.list', [1]))
  assert.ok(!is('content.creator', '@A:b'))
  assert.ok(is('content.a\\.b\\\\c', 'x'))
  assert.ok(!is('content.toString', 'x'))
})

test('event_property_contains: an array with exactly this value', () => {
  const what = subject('x', { list: ['#a:b', 5, true, null, ['deep']], text: '#a:b' })
  const contains = (key: string, value: Json) => holds({ kind: 'event_property_contains', key, value }, what)
  for (const value of ['#a:b', 5, true, null]) assert.ok(contains('content.list', value))
  for (const value of [':b', 1, false, ['deep']]) assert.ok(!contains('content.list', value))
  assert.ok(!contains('content.text', '#a:b'))
  assert.ok(!contains('content.missing', null))
})

const named = (body: string, name?: string) => holds({ kind: 'contains_display_name' }, message(body), name)

test('contains_display_name: the words of the name in the body', () => {
  assert.ok(named('hello MAX m.', 'Max M'))
  assert.ok(!named('hello maxim', 'Max'))
  assert.ok(!named('hello', ''))
  assert.ok(!named('hello undefined'))
  assert.ok(named('hi a*b', 'a*b'))
  assert.ok(!named('hi axb', 'a*b'), 'a name is no pattern')
})

const count = (is: Json) => holds({ kind: 'room_member_count', is }, message('x'))

test('room_member_count', () => {
  for (const is of ['3', '==3', '<4', '<=3', '>2', '>=3', '003']) assert.ok(count(is), is)
  for (const is of ['2', '==4', '<3', '<=2', '>3', '>=4', '', '=3', '3.0', ' 3', '-3', 3, null]) assert.ok(!count(is), String(is))
})

const may = (key: Json) => holds({ kind: 'sender_notification_permission', key }, message('x'))

test('sender_notification_permission', () => {
  assert.ok(may('room'))
  assert.ok(!may('cake'))
  assert.ok(may('other'))
  assert.ok(!may(5))
})

test('what is not understood does not match', () => {
  const odd: PushCondition[] = [
    { kind: 'odd' },
    { kind: 'event_match' },
    { kind: 'event_match', key: 'type' },
    { kind: 'event_match', key: 5, pattern: '*' },
    { kind: 'event_property_is', key: 'type' },
    { kind: 'event_property_contains', value: 'x' },
  ]
  for (const condition of odd) assert.ok(!holds(condition, message('x')))
  assert.ok(!matched([{ kind: 'room_member_count', is: '3' }, { kind: 'odd' }], message('x')))
  assert.ok(matched([], message('x')))
})
