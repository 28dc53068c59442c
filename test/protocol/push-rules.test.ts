import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { defaultPushRules, MASTER_RULE_ID, THREAD_RULE_IDS } from '../../src/protocol/default-push-rules.ts'
import { powerLevelsFrom } from '../../src/protocol/power-levels.ts'
import {
  compilePushRules,
  evaluatePushRules,
  type PushCondition,
  type PushRule,
  type PushRuleKind,
  PushSubject,
} from '../../src/protocol/push-rules.ts'
import { makeEvent, type Parts, rulesOf, userId } from '../support/dag.ts'

const rules = rulesOf('11')
const ME = userId('me')
const power = makeEvent(rules, {
  type: 'm.room.power_levels',
  stateKey: '',
  sender: userId('alice'),
  content: { users: { '@alice:a': 60 }, notifications: { room: 60, cake: 61 } },
})
const levels = powerLevelsFrom(power, undefined, rules)

function subject(type: string, content: JsonObject, more: Partial<Parts> = {}, memberCount = 3): PushSubject {
  return new PushSubject(makeEvent(rules, { type, sender: userId('alice'), content, ...more }), memberCount, levels)
}
const message = (body: string, more: JsonObject = {}) => subject('m.room.message', { msgtype: 'm.text', body, ...more })

const rule = (more: Partial<PushRule>): PushRule => ({
  rule_id: 'mine',
  default: false,
  enabled: true,
  actions: ['notify'],
  ...more,
})

/** What the default rules do, with some of the user's own put first in their kind. */
function outcome(what: PushSubject, own: Partial<Record<PushRuleKind, PushRule[]>> = {}, name?: string) {
  const set = defaultPushRules(ME)
  for (const kind of ['override', 'content', 'room', 'sender', 'underride'] as const) set[kind].unshift(...(own[kind] ?? []))
  return evaluatePushRules(compilePushRules(set, ME), what, { displayName: name })
}

const summary = (what: PushSubject) => {
  const { ruleId, notify, highlight, sound } = outcome(what)
  return [ruleId?.replace('.m.rule.', ''), notify ? 'notify' : '', highlight ? 'highlight' : '', sound ?? ''].join(' ').trimEnd()
}

test('default rules: messages, by the size of the room', () => {
  assert.equal(summary(message('hello')), 'message notify')
  assert.equal(summary(subject('m.room.message', { body: 'x' }, {}, 2)), 'room_one_to_one notify  default')
  assert.equal(summary(subject('m.room.encrypted', {})), 'encrypted notify')
  assert.equal(summary(subject('m.room.encrypted', {}, {}, 2)), 'encrypted_room_one_to_one notify  default')
  assert.equal(summary(subject('m.call.invite', {})), 'call notify  ring')
  assert.equal(summary(subject('org.example.odd', {})), '')
})

const typeMatches = (pattern: string) => ({ kind: 'event_match', key: 'type', pattern })
const typeIs = (value: string) => ({ kind: 'event_property_is', key: 'type', value })
const decidingRule = (type: string, condition: PushCondition) =>
  outcome(subject(type, {}), { override: [rule({ conditions: [condition] })] }).ruleId

test('a rule about a type is tried with that type alone; by event_match, in any case', () => {
  assert.equal(decidingRule('org.Example.Odd', typeMatches('ORG.example.odd')), 'mine')
  assert.equal(decidingRule('org.example.even', typeMatches('org.example.odd')), undefined)
  assert.equal(decidingRule('org.example.even', typeMatches('org.example.*')), 'mine')
  assert.equal(decidingRule('org.Example.Odd', typeIs('org.Example.Odd')), 'mine')
  assert.equal(decidingRule('org.example.odd', typeIs('org.Example.Odd')), undefined)
  assert.equal(decidingRule('m.room.message', typeIs('m.room.message')), 'mine')
})

test('default rules: what is suppressed', () => {
  assert.equal(summary(message('hello', { msgtype: 'm.notice' })), 'suppress_notices')
  assert.equal(summary(message('* hello', { 'm.relates_to': { rel_type: 'm.replace', event_id: '$x' } })), 'suppress_edits')
  assert.equal(summary(subject('m.reaction', {})), 'reaction')
  assert.equal(summary(subject('m.room.server_acl', {}, { stateKey: '' })), 'room.server_acl')
  assert.equal(summary(subject('m.room.member', { membership: 'join' }, { stateKey: '@alice:a' })), 'member_event')
})

test('default rules: invitations', () => {
  assert.equal(summary(subject('m.room.member', { membership: 'invite' }, { stateKey: ME })), 'invite_for_me notify  default')
  assert.equal(summary(subject('m.room.member', { membership: 'invite' }, { stateKey: '@other:a' })), 'member_event')
  assert.equal(summary(subject('m.room.member', { membership: 'leave' }, { stateKey: ME })), 'member_event')
})

test('default rules: mentions are those that are meant, not what the body says', () => {
  assert.equal(
    summary(message('hi', { 'm.mentions': { user_ids: ['@other:a', ME] } })),
    'is_user_mention notify highlight default',
  )
  assert.equal(summary(message('hi', { 'm.mentions': { user_ids: ['@other:a'] } })), 'message notify')
  assert.equal(summary(message('hi', { 'm.mentions': { user_ids: ME } })), 'message notify')
  assert.equal(summary(message('hi me, @room')), 'message notify')
})

test('default rules: the whole room is mentioned by who has the level', () => {
  const room = { body: 'hi', 'm.mentions': { room: true } }
  assert.equal(summary(subject('m.room.message', room)), 'is_room_mention notify highlight')
  assert.equal(summary(subject('m.room.message', room, { sender: userId('bob') })), 'message notify')
  assert.equal(summary(message('hi', { 'm.mentions': { room: 'true' } })), 'message notify')
})

test('default rules: the end of a room', () => {
  assert.equal(summary(subject('m.room.tombstone', {}, { stateKey: '' })), 'tombstone notify highlight')
  assert.equal(summary(subject('m.room.tombstone', {})), '')
})

test('default rules: polls', () => {
  assert.equal(summary(subject('m.poll.start', {})), 'poll_start notify')
  assert.equal(summary(subject('m.poll.start', {}, {}, 2)), 'poll_start_one_to_one notify  default')
  assert.equal(summary(subject('m.poll.end', {})), 'poll_end notify')
  assert.equal(summary(subject('m.poll.end', {}, {}, 2)), 'poll_end_one_to_one notify  default')
  assert.equal(summary(subject('m.poll.response', {})), 'poll_response')
  const unstable = (name: string, count?: number) => summary(subject(`org.matrix.msc3381.poll.${name}`, {}, {}, count))
  assert.equal(unstable('start'), '.org.matrix.msc3930.rule.poll_start notify')
  assert.equal(unstable('end', 2), '.org.matrix.msc3930.rule.poll_end_one_to_one notify  default')
  assert.equal(unstable('response'), '.org.matrix.msc3930.rule.poll_response')
})

test('default rules: in the order of the specification, all with the same members', () => {
  const set = defaultPushRules(ME)
  const ids = (kind: PushRuleKind) => set[kind].map(({ rule_id }) => rule_id.replace('.m.rule.', ''))
  assert.deepEqual(ids('override'), [
    'master',
    '.org.matrix.msc4028.encrypted_event',
    'suppress_notices',
    'invite_for_me',
    'member_event',
    'is_user_mention',
    'is_room_mention',
    'tombstone',
    'reaction',
    'room.server_acl',
    'poll_response',
    '.org.matrix.msc3930.rule.poll_response',
    'suppress_edits',
  ])
  assert.deepEqual(ids('underride'), [
    'call',
    'encrypted_room_one_to_one',
    'room_one_to_one',
    'message',
    'encrypted',
    'poll_start_one_to_one',
    'poll_start',
    'poll_end_one_to_one',
    'poll_end',
    '.org.matrix.msc3930.rule.poll_start_one_to_one',
    '.org.matrix.msc3930.rule.poll_start',
    '.org.matrix.msc3930.rule.poll_end_one_to_one',
    '.org.matrix.msc3930.rule.poll_end',
  ])
  assert.deepEqual([set.content, set.room, set.sender], [[], [], []])
  for (const { default: isDefault, enabled, conditions, rule_id } of [...set.override, ...set.underride]) {
    assert.ok(isDefault && conditions !== undefined)
    assert.equal(enabled, rule_id !== MASTER_RULE_ID && rule_id !== '.org.matrix.msc4028.encrypted_event')
  }
})

test('the master rule silences all', () => {
  const set = defaultPushRules(ME)
  const compiled = compilePushRules({ ...set, override: set.override.map((each) => ({ ...each, enabled: true })) }, ME)
  assert.equal(evaluatePushRules(compiled, message('hello'), {}).notify, false)
})

test('MSC4306: rules of threads come after keywords and before rules of rooms, and are for what is in a thread', () => {
  const set = defaultPushRules(ME)
  const [unsubscribed = '', subscribed = ''] = THREAD_RULE_IDS
  assert.deepEqual(
    set.postcontent.map(({ rule_id: id, enabled }) => [id, enabled]),
    [
      [unsubscribed, false],
      [subscribed, false],
    ],
  )
  assert.equal(compilePushRules(set, ME).asksForThreads, false)
  const compiled = compilePushRules(
    {
      ...set,
      content: [rule({ rule_id: 'keyword', pattern: 'cake' })],
      postcontent: set.postcontent.map((each) => ({ ...each, enabled: true })),
      room: [rule({ rule_id: '!room:a', actions: [] })],
    },
    ME,
  )
  assert.equal(compiled.asksForThreads, true)
  const said = (body: string, isSubscribed: boolean | undefined) => evaluatePushRules(compiled, message(body), { isSubscribed })
  assert.equal(said('hello', false).ruleId, unsubscribed)
  assert.equal(said('hello', false).notify, false)
  assert.deepEqual([said('hello', true).ruleId, said('hello', true).sound], [subscribed, 'default'])
  assert.equal(said('cake', false).ruleId, 'keyword')
  assert.ok(![unsubscribed, subscribed].includes(said('hello', undefined).ruleId ?? ''))
})

test('a content rule without a pattern does not match', () => {
  assert.equal(outcome(message('x'), { content: [rule({})] }).ruleId, '.m.rule.message')
})

test('nobody is notified of their own events', () => {
  assert.deepEqual(outcome(subject('m.room.message', { body: 'hi' }, { sender: ME })).ruleId, undefined)
})

test('kinds are tried in order: override, content, room, sender, underride', () => {
  const hello = message('hello')
  const kinds: Partial<Record<PushRuleKind, PushRule[]>> = {}
  const tried: [PushRuleKind, PushRule][] = [
    ['underride', rule({ rule_id: 'underride' })],
    ['sender', rule({ rule_id: '@alice:a' })],
    ['room', rule({ rule_id: '!room:a' })],
    ['content', rule({ rule_id: 'content', pattern: 'hel*' })],
    ['override', rule({ rule_id: 'override', conditions: [] })],
  ]
  for (const [kind, own] of tried) {
    kinds[kind] = [own]
    assert.equal(outcome(hello, kinds).ruleId, own.rule_id)
  }
})

test('rules of other rooms and senders, and disabled rules, do not match', () => {
  const hello = message('hello')
  assert.equal(
    outcome(hello, { room: [rule({ rule_id: '!other:a' })], sender: [rule({ rule_id: '@bob:a' })] }).ruleId,
    '.m.rule.message',
  )
  const off = { enabled: false }
  const own = {
    override: [rule(off)],
    content: [rule({ ...off, pattern: 'hello' })],
    room: [rule({ ...off, rule_id: '!room:a' })],
    sender: [rule({ ...off, rule_id: '@alice:a' })],
  }
  assert.equal(outcome(hello, own).ruleId, '.m.rule.message')
})

const act = (actions: PushRule['actions']) => outcome(message('x'), { override: [rule({ actions })] })

test('actions: tweaks, and what is historical', () => {
  assert.deepEqual(act(['dont_notify', 'coalesce']), {
    ruleId: 'mine',
    notify: false,
    highlight: false,
    sound: undefined,
    actions: [],
  })
  const loud = act(['notify', { set_tweak: 'sound', value: 'cake.wav' }, { set_tweak: 'highlight', value: false }])
  assert.deepEqual([loud.sound, loud.highlight], ['cake.wav', false])
  assert.equal(act(['notify', { set_tweak: 'highlight' }]).highlight, true)
  assert.equal(act(['notify', { set_tweak: 'highlight', value: true }]).highlight, true)
  assert.equal(act([{ set_tweak: 'highlight' }]).highlight, false)
  assert.equal(act(['notify', { set_tweak: 'sound', value: 5 }]).sound, undefined)
})

test('what becomes of an event for those with the default rules is the same, whoever was asked before', () => {
  const readers = [
    { id: ME, reader: { displayName: 'My Name' } },
    { id: userId('carol'), reader: {} },
    { id: userId('dan'), reader: { displayName: 'Dan the man' } },
    { id: userId('erin'), reader: { displayName: 'hello' } },
    { id: userId('alice'), reader: {} },
    { id: userId('frank'), reader: { isSubscribed: false } },
  ]
  const member = { stateKey: userId('carol') }
  const events = [
    () => message('hello'),
    () => message('hello, dan'),
    () => message('and my NAME is in it'),
    () => message('@room hello'),
    () => message('hello', { msgtype: 'm.notice' }),
    () => message('hello', { 'm.mentions': { user_ids: [userId('carol')] } }),
    () => message('hello', { 'm.mentions': { user_ids: [] } }),
    () => message('* hello', { 'm.relates_to': { rel_type: 'm.replace', event_id: '$x' } }),
    () => subject('m.room.message', { body: 'hello' }, {}, 2),
    () => subject('m.room.encrypted', {}),
    () => subject('m.room.member', { membership: 'invite' }, member),
    () => subject('m.room.tombstone', {}, { stateKey: '' }),
  ]
  for (const make of events) {
    for (const order of [readers, readers.toReversed()]) {
      const what = make()
      for (const { id, reader } of order) {
        const rulesOfOwner = defaultPushRules(id)
        const shared = evaluatePushRules(compilePushRules(rulesOfOwner, id, true), what, reader)
        assert.deepEqual(shared, evaluatePushRules(compilePushRules(rulesOfOwner, id), make(), reader))
      }
    }
  }
})
