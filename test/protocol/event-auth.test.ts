import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId, RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import {
  type AuthVerdict,
  authorise,
  checkAuthEvents,
  createEventIdOf,
  redactionApplies,
} from '../../src/protocol/event-auth/index.ts'
import type { Event } from '../../src/protocol/event.ts'
import { powerLevelsIn } from '../../src/protocol/power-levels.ts'
import { lookupIn } from '../../src/protocol/state-map.ts'
import { makeEvent, type Parts, Room, rulesOf, userId } from '../support/dag.ts'

const ruleOf = (verdict: AuthVerdict) => (verdict.allowed ? 'allowed' : verdict.rule)
const everyVersion = ['1', '2', '3', '5', '6', '8', '10', '11', '12']

/** Alice made the room and has 100, Bob has none. */
function room(version: string, power: JsonObject = {}, create = '{}'): Room {
  const users = version === '12' ? {} : { '@alice:a': 100 }
  const text = JSON.stringify({ users, ...power })
  return new Room(
    version,
    `C: alice creates ${create}\n A: alice joins\n P: alice power ${text} [forced]\n J: alice rule public\n B: bob joins`,
  )
}

function says(basis: Room, rule: string, ...lines: string[]): void {
  for (const line of lines) assert.equal(ruleOf(basis.try(line)), rule, `${line} in version ${basis.rules.version}`)
}

function createEvent(version: string, content: JsonObject, parts: Partial<Parts> = {}): Event {
  const whole = rulesOf(version).auth.creatorInContent ? { creator: '@alice:a', ...content } : content
  return makeEvent(rulesOf(version), { type: 'm.room.create', stateKey: '', sender: userId('alice'), content: whole, ...parts })
}
const onCreate = (event: Event) => ruleOf(authorise(event, lookupIn([])))

test('create: comes first', () => {
  for (const version of everyVersion) {
    assert.equal(onCreate(createEvent(version, {})), 'allowed')
    assert.equal(onCreate(createEvent(version, {}, { prevEvents: ['$x' as EventId] })), 'create-has-prev-events')
  }
})

test('create: the room id is of the sender until version 11, and is not there in 12', () => {
  const elsewhere = { roomId: '!room:b' as RoomId }
  for (const version of ['1', '11']) assert.equal(onCreate(createEvent(version, {}, elsewhere)), 'create-of-foreign-room')
  const withRoom = { pdu: { type: 'm.room.create', room_id: '!room:a' } }
  assert.equal(onCreate(createEvent('12', {}, withRoom)), 'create-has-room-id')
  assert.equal(onCreate(createEvent('12', {}, elsewhere)), 'allowed')
})

test('create: a room version that is named must be known', () => {
  for (const version of everyVersion) {
    assert.equal(onCreate(createEvent(version, { room_version: version })), 'allowed')
    for (const unknown of ['99', '', 7, null])
      assert.equal(onCreate(createEvent(version, { room_version: unknown })), 'create-version-unknown')
  }
})

const nameless = (version: string) =>
  makeEvent(rulesOf(version), { type: 'm.room.create', stateKey: '', sender: userId('alice'), content: {} })

test('create: names its creator until version 10', () => {
  for (const version of ['1', '10']) assert.equal(onCreate(nameless(version)), 'create-lacks-creator')
  for (const version of ['11', '12']) assert.equal(onCreate(nameless(version)), 'allowed')
})

test('create: additional creators are user ids since version 12', () => {
  for (const list of [[], ['@bob:b', '@zoe:a']])
    assert.equal(onCreate(createEvent('12', { additional_creators: list })), 'allowed')
  for (const odd of ['@bob:b', null, {}, ['bob'], [7], ['@bob:b', null], [`@${'b'.repeat(300)}:b`]]) {
    assert.equal(onCreate(createEvent('12', { additional_creators: odd })), 'create-additional-creators')
    assert.equal(onCreate(createEvent('11', { additional_creators: odd })), 'allowed')
  }
})

test('a room without its own create event allows nothing', () => {
  for (const version of ['1', '11', '12']) {
    const message = makeEvent(rulesOf(version), { type: 'm.room.message', sender: userId('alice'), content: {} })
    assert.equal(ruleOf(authorise(message, lookupIn([]))), 'no-create')
    const foreign = createEvent(version, {}, { roomId: '!other:a' as RoomId })
    assert.equal(ruleOf(authorise(message, lookupIn([foreign]))), 'no-create')
  }
  assert.equal(createEventIdOf('!abc' as RoomId), '$abc')
})

test('a room that is not federated is for the server of who made it', () => {
  for (const version of everyVersion) {
    const closed = room(version, {}, '{"m.federate":false}')
    says(closed, 'not-federated', 'carol@b joins', 'carol@b says hello')
    says(closed, 'allowed', 'carol joins')
    says(room(version, {}, '{"m.federate":true}'), 'allowed', 'carol@b joins')
    says(room(version, {}, '{"m.federate":"false"}'), 'allowed', 'carol@b joins')
  }
})

test('aliases until version 5 need only be of the sender’s server', () => {
  for (const version of ['1', '5']) {
    const open = room(version)
    says(open, 'allowed', 'eve sets m.room.aliases a {}')
    says(open, 'aliases-of-foreign-server', 'alice sets m.room.aliases b {}', 'alice sets m.room.aliases - {}')
    says(open, 'aliases-without-state-key', 'alice sends m.room.aliases {}')
  }
  says(room('6'), 'sender-not-joined', 'eve sets m.room.aliases a {}')
  says(room('6'), 'event-power', 'bob sets m.room.aliases a {}')
  says(room('6'), 'allowed', 'alice sets m.room.aliases anything {}')
})

test('who sends must be joined', () => {
  for (const version of everyVersion) {
    const basis = room(version)
    basis.add('I: alice invites carol\n D: alice bans dora')
    says(basis, 'sender-not-joined', 'eve says hello', 'carol says hello', 'dora says hello', 'carol topic mine')
    says(basis, 'allowed', 'bob says hello')
  }
})

test('third-party invites take the invite level, whatever the level of state events', () => {
  for (const version of everyVersion) {
    says(room(version), 'allowed', 'bob sets m.room.third_party_invite token {}')
    says(room(version, { invite: 10 }), 'third-party-invite-power', 'bob sets m.room.third_party_invite token {}')
    says(room(version, { events: { 'm.room.third_party_invite': 90 } }), 'allowed', 'bob sets m.room.third_party_invite token {}')
  }
})

test('every other event takes the level of its type, or the default for its kind', () => {
  for (const version of everyVersion) {
    says(room(version), 'allowed', 'bob says hello', 'alice topic mine')
    says(room(version), 'event-power', 'bob topic mine', 'bob power bob=100', 'bob sets org.example.odd - {}')
    says(room(version, { events_default: 1 }), 'event-power', 'bob says hello')
    says(room(version, { state_default: 0 }), 'allowed', 'bob topic mine')
    says(room(version, { events: { 'm.room.topic': 0 } }), 'allowed', 'bob topic mine')
    says(room(version, { events: { 'm.room.message': 5 } }), 'event-power', 'bob says hello')
  }
  says(
    room('12', { events_default: Number.MAX_SAFE_INTEGER, state_default: Number.MAX_SAFE_INTEGER }),
    'allowed',
    'alice topic mine',
  )
})

test('levels may be text until version 9', () => {
  for (const version of ['1', '9']) {
    says(room(version, { events_default: ' 7 ', users: { '@alice:a': '100', '@bob:a': '+7' } }), 'allowed', 'bob says hello')
    says(room(version, { events_default: '8', users: { '@alice:a': '100', '@bob:a': 7 } }), 'event-power', 'bob says hello')
  }
})

test('state with a user as its key is that user’s', () => {
  for (const version of everyVersion) {
    const open = room(version, { state_default: 0 })
    says(open, 'allowed', 'bob sets org.example.odd @bob:a {}', 'bob sets org.example.odd bob {}')
    says(open, 'state-of-another-user', 'bob sets org.example.odd @alice:a {}', 'alice sets org.example.odd @ {}')
  }
})

test('redactions until version 2 need the redact level or the server of what they redact', () => {
  for (const version of ['1', '2']) {
    const basis = room(version)
    basis.add('E: eve@b joins')
    const redaction = (sender: string, target: string) => {
      const parts = { type: 'm.room.redaction', content: {}, sender: userId(sender), roomId: basis.event('C').roomId }
      const event = makeEvent(basis.rules, {
        ...parts,
        eventId: `$redaction${userId(sender).slice(4)}` as EventId,
        redacts: target as EventId,
      })
      return ruleOf(authorise(event, basis.lookup(basis.stateAfter('E'))))
    }
    assert.equal(redaction('alice', '$odd:b'), 'allowed')
    assert.equal(redaction('eve@b', '$odd:b'), 'allowed')
    assert.equal(redaction('eve@b', '$odd:a'), 'redaction-power')
  }
})

test('redactions since version 3 are events like all others', () => {
  for (const version of ['3', '11', '12']) {
    says(room(version), 'allowed', 'bob sends m.room.redaction {"redacts":"$A"}')
    says(room(version, { events: { 'm.room.redaction': 1 } }), 'event-power', 'bob sends m.room.redaction {"redacts":"$A"}')
  }
})

test('a redaction is carried out since version 3 if its sender has the redact level or is of the server of what it is about', () => {
  for (const version of ['1', '3', '11', '12']) {
    const basis = room(version)
    basis.add('E: eve@b joins\n T: eve@b says hello')
    const target = basis.event('T')
    const levels = powerLevelsIn(basis.lookup(basis.stateAfter('T')), basis.rules)
    const applies = (sender: string, parts: Partial<Parts> = {}) => {
      const said = {
        type: 'm.room.redaction',
        content: {},
        sender: userId(sender),
        roomId: target.roomId,
        redacts: target.eventId,
        ...parts,
      }
      return redactionApplies(makeEvent(basis.rules, said), target, levels)
    }
    assert.equal(applies('alice'), true)
    assert.equal(applies('eve@b'), true)
    assert.equal(applies('dora@b'), true)
    assert.equal(applies('bob'), version === '1', 'in version 1 the rules have allowed it already')
    assert.equal(applies('alice', { roomId: '!elsewhere:a' as RoomId }), false)
    assert.equal(applies('alice', { redacts: '$other' as EventId }), false)
  }
})

/** The verdict about a message of Bob's that lists these events. */
function listed(basis: Room, names: string[], rejected: string[] = []): string {
  const [create] = basis.events.values()
  assert.ok(create)
  const message = makeEvent(basis.rules, { type: 'm.room.message', sender: userId('bob'), content: {}, roomId: create.roomId })
  return ruleOf(
    checkAuthEvents(
      message,
      names.map((name) => ({ event: basis.event(name), rejected: rejected.includes(name) })),
    ),
  )
}

test('auth events: those that the selection names, each once', () => {
  for (const version of ['1', '11']) {
    const basis = room(version)
    assert.equal(listed(basis, ['C', 'P', 'B']), 'allowed')
    assert.equal(listed(basis, ['C', 'B']), 'allowed')
    assert.equal(listed(basis, ['P', 'B']), 'auth-events-lack-create')
    assert.equal(listed(basis, ['C', 'P', 'B', 'J']), 'auth-events-extra')
    assert.equal(listed(basis, ['C', 'P', 'B', 'A']), 'auth-events-extra')
    basis.add('P2: alice power alice=100 bob=1\n S: bob says hello')
    assert.equal(listed(basis, ['C', 'P', 'P2', 'B']), 'auth-events-duplicate')
    assert.equal(listed(basis, ['C', 'P', 'B', 'S']), 'auth-events-extra')
  }
})

test('auth events: in version 12 without the create event', () => {
  const basis = room('12')
  assert.equal(listed(basis, ['P', 'B']), 'allowed')
  assert.equal(listed(basis, ['C', 'P', 'B']), 'auth-events-extra')
})

test('auth events: none that was rejected, and none of another room', () => {
  for (const version of ['1', '12']) {
    const basis = room(version)
    const create = version === '12' ? [] : ['C']
    assert.equal(listed(basis, [...create, 'P', 'B'], ['B']), 'auth-events-rejected')
    const message = makeEvent(basis.rules, {
      type: 'm.room.message',
      sender: userId('bob'),
      content: {},
      roomId: '!elsewhere:a' as RoomId,
    })
    assert.equal(ruleOf(checkAuthEvents(message, [{ event: basis.event('B'), rejected: false }])), 'auth-events-of-another-room')
  }
})

test('auth events: those of a create event are not looked at', () => {
  const basis = room('11')
  assert.deepEqual(checkAuthEvents(basis.event('C'), [{ event: basis.event('B'), rejected: false }]), { allowed: true })
})
