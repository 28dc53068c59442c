import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Room } from '../support/dag.ts'

const BOB = '@bob:a'

/** A public room of Alice (100, in version 12 above all) and Bob (50). */
function room(version: string, more = ''): Room {
  const power = version === '12' ? 'bob=50' : 'alice=100 bob=50'
  return new Room(
    version,
    `C: alice creates\n A: alice joins\n P: alice power ${power}\n J: alice rule public\n B: bob joins\n ${more}`,
  )
}

/** The state after these events together, and the same whatever the order in which they come. */
function resolved(basis: Room, ...tips: string[]) {
  const states = tips.map((tip) => basis.stateAfter(tip))
  const state = basis.named(basis.resolve(states))
  for (const others of [states.toReversed(), [...states, ...states]]) assert.deepEqual(basis.named(basis.resolve(others)), state)
  return (type: string, stateKey = '') => state[`m.room.${type} ${stateKey}`.trimEnd()]
}

const from2 = ['2', '6', '10', '11', '12']

test('states that agree are the state', () => {
  for (const version of ['1', ...from2]) {
    const basis = room(version, 'T: alice topic one')
    assert.deepEqual(basis.resolve([basis.stateAfter('T'), basis.stateAfter('T')]), basis.stateAfter('T'))
    assert.deepEqual(basis.resolve([basis.stateAfter('T')]), basis.stateAfter('T'))
    assert.deepEqual(basis.resolve([]), new Map())
  }
})

test('what only one branch has comes in', () => {
  for (const version of from2) {
    const basis = room(version, 'T: alice topic one\n N: bob says hello [after B]\n E: eve joins')
    const state = resolved(basis, 'T', 'E')
    assert.equal(state('topic'), 'T')
    assert.equal(state('member', '@eve:a'), 'E')
  }
})

test('two users join at the same time', () => {
  for (const version of from2) {
    const state = resolved(room(version, 'E: eve joins [after B]\n F: frank joins [after B]'), 'E', 'F')
    assert.deepEqual([state('member', '@eve:a'), state('member', '@frank:a')], ['E', 'F'])
  }
})

test('of two topics the later stands, and of two at once the one with the greater id', () => {
  for (const version of from2) {
    assert.equal(
      resolved(
        room(version, 'T1: alice topic one [after B] [at 9000]\n T2: bob topic two [after B] [at 8000]'),
        'T1',
        'T2',
      )('topic'),
      'T1',
    )
    assert.equal(
      resolved(
        room(version, 'T1: alice topic one [after B] [at 9000]\n T2: bob topic two [after B] [at 9000]'),
        'T1',
        'T2',
      )('topic'),
      'T2',
    )
  }
})

test('a ban stands against what the banned user does on another branch', () => {
  for (const version of from2) {
    const basis = room(
      version,
      'X: alice bans bob [after B] [at 9000]\n T: bob topic mine [after B] [at 1]\n T2: bob topic again [at 20000]',
    )
    const state = resolved(basis, 'X', 'T2')
    assert.equal(state('member', BOB), 'X')
    assert.equal(state('topic'), undefined)
  }
})

test('a ban stands against new power levels of the banned user', () => {
  for (const version of from2) {
    const levels = version === '12' ? 'bob=50' : 'alice=100 bob=50'
    const basis = new Room(
      version,
      `C: alice creates
       A: alice joins
       P0: alice power {"events":{"m.room.power_levels":50},"users":{${version === '12' ? '' : '"@alice:a":100,'}"@bob:a":50}}
       J: alice rule public
       B: bob joins
       X: alice bans bob [after B]
       P1: bob power ${levels} carol=50 [after B] [at 1]`,
    )
    const state = resolved(basis, 'X', 'P1')
    assert.deepEqual([state('member', BOB), state('power_levels')], ['X', 'P0'])
  }
})

test('a rejoin after a ban on the other branch does not stand', () => {
  for (const version of from2) {
    const basis = room(version, 'X: alice bans bob [after B]\n L: bob leaves [after B] [at 7000]\n R: bob joins [at 90000]')
    assert.equal(resolved(basis, 'X', 'R')('member', BOB), 'X')
  }
})

test('a demotion stands against what the demoted user does on another branch', () => {
  for (const version of from2) {
    const basis = room(
      version,
      `D: alice power ${version === '12' ? 'bob=0' : 'alice=100 bob=0'} [after B]\n T: bob topic mine [after B] [at 1]`,
    )
    const state = resolved(basis, 'D', 'T')
    assert.deepEqual([state('power_levels'), state('topic')], ['D', undefined])
  }
})

const levels = (more: string) => `{"events":{"m.room.power_levels":50},"users":{"@alice:a":100,${more}}}`

test('of two changes of the power levels that of the sender with more power comes first, and may rule out the other', () => {
  for (const version of ['2', '11']) {
    const basis = new Room(
      version,
      `C: alice creates
       A: alice joins
       P0: alice power ${levels('"@bob:a":50,"@carol:a":50')}
       J: alice rule public
       B: bob joins
       K: carol joins
       PA: alice power ${levels('"@bob:a":0,"@carol:a":50')} [after K] [at 50000]
       PB: bob power ${levels('"@bob:a":50,"@carol:a":50,"@dora:a":40')} [after K] [at 1]
       PC: carol power ${levels('"@bob:a":50,"@carol:a":50,"@eve:a":40')} [after K] [at 2]`,
    )
    assert.equal(resolved(basis, 'PA', 'PB')('power_levels'), 'PA')
    assert.equal(resolved(basis, 'PB', 'PC')('power_levels'), 'PC', 'equals: by time, the later one on top')
    assert.equal(resolved(basis, 'PA', 'PC')('power_levels'), 'PC', 'Carol may still give Bob what she has herself')
  }
})

test('a closed door stands against joins on another branch, but not against an invitation', () => {
  for (const version of from2) {
    const basis = room(
      version,
      'I: alice invites frank\n D: alice rule invite [after I]\n E: eve joins [after I] [at 1]\n F: frank joins [after E]',
    )
    const state = resolved(basis, 'D', 'F')
    assert.equal(state('join_rules'), 'D')
    assert.equal(state('member', '@eve:a'), undefined)
    assert.equal(state('member', '@frank:a'), 'F')
  }
})

test('the profile of a user who changed it stands against that of before', () => {
  for (const version of from2) {
    const basis = room(
      version,
      'B2: bob joins {"displayname":"Bob"} [after B]\n T: alice topic one [after B]\n B3: bob joins {"displayname":"Rob"} [after B2]',
    )
    assert.equal(resolved(basis, 'B3', 'T')('member', BOB), 'B3')
  }
})

test('three branches', () => {
  for (const version of from2) {
    const basis = room(version, 'X: alice bans bob [after B]\n T: bob topic mine [after B]\n E: eve joins [after B]')
    const state = resolved(basis, 'X', 'T', 'E')
    assert.deepEqual([state('member', BOB), state('topic'), state('member', '@eve:a')], ['X', undefined, 'E'])
  }
})

test('events that were rejected by the state before them take part, but are not used as somebody’s auth event', () => {
  for (const version of ['11', '12']) {
    const create = version === '12' ? '' : 'C,'
    const basis = room(
      version,
      `J2: alice rule invite\n E: eve joins [auth ${create}P,J] [rejected]\n T: eve sets m.room.topic - {} [auth ${create}P,E] [forced]`,
    )
    const common = ['C', 'A', 'P', 'B']
    const open = basis.named(basis.resolve([basis.stateOf(...common, 'J', 'E'), basis.stateOf(...common, 'J')]))
    assert.equal(open['m.room.member @eve:a'], 'E', 'the state allows it')
    const closed = basis.named(basis.resolve([basis.stateOf(...common, 'J2', 'E'), basis.stateOf(...common, 'J2')]))
    // Version 12 does not start from the state that the branches agree on, but from what Eve's join itself is based on.
    assert.equal(closed['m.room.member @eve:a'], version === '12' ? 'E' : undefined)
    const based = basis.named(basis.resolve([basis.stateOf(...common, 'J2', 'T'), basis.stateOf(...common, 'J2')]))
    assert.equal(based['m.room.topic'], undefined, 'nothing but the rejected event lets her in')
  }
})

test('events that are not known take no part', () => {
  const basis = room('11', 'T: alice topic one [after B]\n E: eve joins [after B]')
  const sources = basis.sources
  const fetch = sources.fetch
  const blind = {
    ...sources,
    fetch: (eventId: Parameters<typeof fetch>[0]) => (eventId === basis.id('T') ? undefined : fetch(eventId)),
  }
  Object.defineProperty(basis, 'sources', { value: blind })
  const state = basis.named(basis.resolve([basis.stateAfter('T'), basis.stateAfter('E')]))
  assert.deepEqual([state['m.room.topic'], state['m.room.member @eve:a']], [undefined, 'E'])
})
