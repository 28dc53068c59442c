import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { Room } from '../support/dag.ts'

/** Alice has 100 (in version 12 she is above all, and Ann has 100), Mod and Max 50, Bob 0; Mod may change the levels. */
function room(version: string, more: JsonObject = {}): Room {
  const first = version === '12' ? '@ann:a' : '@alice:a'
  const power = {
    users: { [first]: 100, '@mod:a': 50, '@max:a': 50 },
    events: { 'm.room.power_levels': 50, 'org.example.high': 80 },
    ...more,
  }
  return new Room(
    version,
    `C: alice creates\n A: alice joins\n P: alice power ${JSON.stringify(power)}\n J: alice rule public\n M: mod joins\n B: bob joins`,
  )
}

/** What the rules say to a change of the levels that are in force. */
function change(basis: Room, sender: string, edit: (content: JsonObject) => JsonObject): string {
  const verdict = basis.try(`${sender} power ${JSON.stringify(edit(structuredClone(basis.event('P').content)))}`)
  return verdict.allowed ? 'allowed' : verdict.rule
}

const set = (more: JsonObject) => (content: JsonObject) => ({ ...content, ...more })
const setIn = (list: string, more: JsonObject) => (content: JsonObject) => ({
  ...content,
  [list]: { ...(content[list] as JsonObject | undefined), ...more },
})
const drop = (list: string, key: string) => (content: JsonObject) => {
  const { [key]: _dropped, ...rest } = content[list] as JsonObject
  return { ...content, [list]: rest }
}
const everyVersion = ['1', '3', '6', '9', '10', '11', '12']

test('users must be an object of user ids and levels', () => {
  for (const version of everyVersion) {
    for (const users of [
      [],
      'all',
      null,
      5,
      { bob: 5 },
      { '@bob': 5 },
      { '@bob:a': null },
      { '@bob:a': 'five' },
      { '@bob:a': true },
    ]) {
      assert.equal(change(room(version), 'alice', set({ users })), 'power-levels-users', JSON.stringify(users))
    }
    assert.equal(change(room(version), 'alice', set({ users: {} })), 'allowed')
    const without = change(room(version), 'alice', ({ users: _users, ...rest }) => rest)
    assert.equal(without, 'allowed')
  }
})

test('levels may be text until version 9, and must be integers since 10', () => {
  for (const version of ['1', '9']) {
    assert.equal(change(room(version), 'alice', setIn('users', { '@bob:a': '5' })), 'allowed')
    assert.equal(change(room(version), 'alice', set({ ban: '60', events: { 'm.room.name': ' 10 ' } })), 'allowed')
  }
  for (const version of ['10', '12']) {
    assert.equal(change(room(version), 'alice', setIn('users', { '@bob:a': '5' })), 'power-levels-users')
    for (const name of ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']) {
      for (const odd of ['5', null, true, {}, 1.5])
        assert.equal(change(room(version), 'alice', set({ [name]: odd })), 'power-levels-not-integer')
    }
    for (const list of ['events', 'notifications']) {
      for (const odd of [[], null, 5, { room: '5' }, { room: null }, { room: [] }]) {
        assert.equal(change(room(version), 'alice', set({ [list]: odd })), 'power-levels-not-integer')
      }
    }
  }
})

test('until version 9 a level that is none cannot replace one', () => {
  for (const version of ['1', '9']) {
    assert.equal(change(room(version), 'alice', set({ ban: 'high' })), 'power-levels-not-integer')
    assert.equal(change(room(version), 'alice', setIn('events', { 'm.room.name': {} })), 'power-levels-not-integer')
  }
})

test('the first levels of a room are free, but for their form', () => {
  for (const version of everyVersion) {
    const fresh = new Room(version, 'C: alice creates\n A: alice joins')
    assert.equal(fresh.try('alice power {"users":{"@bob:a":1000},"ban":5000}').allowed, true)
    assert.equal(fresh.try('alice power {"users":{"bob":1000}}').allowed, false)
  }
})

const listing = (user: string) => ({ users: { [user]: 100 } })

test('since version 12 creators must not be listed', () => {
  const made = new Room('12', 'C: alice creates {"additional_creators":["@zoe:a"]}\n A: alice joins')
  for (const user of ['@alice:a', '@zoe:a']) {
    const verdict = made.try(`alice power ${JSON.stringify(listing(user))}`)
    assert.equal(!verdict.allowed && verdict.rule, 'power-levels-list-creator')
  }
  assert.equal(made.try(`alice power ${JSON.stringify(listing('@bob:a'))}`).allowed, true)
  const eleven = new Room('11', 'C: alice creates {"additional_creators":["@zoe:a"]}\n A: alice joins')
  assert.equal(eleven.try(`alice power ${JSON.stringify(listing('@alice:a'))}`).allowed, true)
})

test('a named level is added, changed and removed within the sender’s own', () => {
  for (const version of everyVersion) {
    for (const name of ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']) {
      assert.equal(change(room(version), 'mod', set({ [name]: 50 })), 'allowed')
      assert.equal(change(room(version), 'mod', set({ [name]: 51 })), 'power-levels-new-above')
      const high = room(version, {
        [name]: 60,
        ...(name === 'users_default' ? { users: room(version).event('P').content['users'] ?? {} } : {}),
      })
      assert.equal(change(high, 'mod', set({ [name]: 60 })), 'allowed', 'it is left alone')
      assert.equal(change(high, 'mod', set({ [name]: 10 })), 'power-levels-current-above')
      assert.equal(
        change(high, 'mod', ({ [name]: _removed, ...rest }) => rest),
        'power-levels-current-above',
      )
    }
  }
})

test('the level of a type of event is added, changed and removed within the sender’s own', () => {
  for (const version of everyVersion) {
    assert.equal(change(room(version), 'mod', setIn('events', { 'm.room.name': 50 })), 'allowed')
    assert.equal(change(room(version), 'mod', setIn('events', { 'm.room.name': 51 })), 'power-levels-new-above')
    assert.equal(change(room(version), 'mod', setIn('events', { 'm.room.power_levels': 0 })), 'allowed')
    assert.equal(change(room(version), 'mod', drop('events', 'm.room.power_levels')), 'allowed')
    assert.equal(change(room(version), 'mod', setIn('events', { 'org.example.high': 50 })), 'power-levels-current-above')
    assert.equal(change(room(version), 'mod', drop('events', 'org.example.high')), 'power-levels-current-above')
  }
})

test('the level of a notification is limited likewise since version 6', () => {
  for (const version of ['1', '5']) {
    assert.equal(change(room(version, { notifications: { room: 60 } }), 'mod', setIn('notifications', { room: 99 })), 'allowed')
  }
  for (const version of ['6', '9', '12']) {
    assert.equal(change(room(version), 'mod', setIn('notifications', { room: 50 })), 'allowed')
    assert.equal(change(room(version), 'mod', setIn('notifications', { room: 51 })), 'power-levels-new-above')
    assert.equal(
      change(room(version, { notifications: { room: 60 } }), 'mod', drop('notifications', 'room')),
      'power-levels-current-above',
    )
  }
})

test('the level of a user is given within the sender’s own', () => {
  for (const version of everyVersion) {
    assert.equal(change(room(version), 'mod', setIn('users', { '@bob:a': 50 })), 'allowed')
    assert.equal(change(room(version), 'mod', setIn('users', { '@bob:a': 51 })), 'power-levels-new-above')
    assert.equal(change(room(version), 'mod', setIn('users', { '@mod:a': 51 })), 'power-levels-new-above')
  }
})

test('the level of a user is changed and removed only from above, but one’s own', () => {
  for (const version of everyVersion) {
    const first = version === '12' ? '@ann:a' : '@alice:a'
    assert.equal(change(room(version), 'mod', setIn('users', { [first]: 10 })), 'power-levels-current-above')
    assert.equal(change(room(version), 'mod', drop('users', first)), 'power-levels-current-above')
    assert.equal(change(room(version), 'mod', setIn('users', { '@max:a': 10 })), 'power-levels-of-peer')
    assert.equal(change(room(version), 'mod', drop('users', '@max:a')), 'power-levels-of-peer')
    assert.equal(change(room(version), 'mod', setIn('users', { '@max:a': 50 })), 'allowed')
    assert.equal(change(room(version), 'mod', setIn('users', { '@mod:a': 10 })), 'allowed')
    assert.equal(change(room(version), 'mod', drop('users', '@mod:a')), 'allowed')
    assert.equal(change(room(version), 'alice', drop('users', '@mod:a')), 'allowed')
  }
})

test('the same level written otherwise is no change', () => {
  assert.equal(change(room('9', { ban: 60, events: { 'm.room.power_levels': 50 } }), 'mod', set({ ban: '60' })), 'allowed')
  assert.equal(change(room('5', { ban: 60.7 }), 'mod', set({ ban: 60 })), 'allowed')
})

test('creators of version 12 may set any level', () => {
  assert.equal(change(room('12'), 'alice', setIn('users', { '@bob:a': Number.MAX_SAFE_INTEGER })), 'allowed')
})
