/**
 * The resets of state that room version 12 was made against: MSC4297, "Problem A" and "Problem B", and what version 1
 * does where later ones do not.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Room } from '../support/dag.ts'

/** Charlie's server has a state in which the room is still public, although Alice closed it before she left. */
function problemA(version: string): Record<string, string | undefined> {
  const room = new Room(
    version,
    `C: alice creates
     A: alice joins
     P: alice power ${version === '12' ? 'zoe=100' : 'alice=100'}
     J1: alice rule public
     B1: bob joins
     K1: charlie joins
     J2: alice rule invite
     AL: alice leaves
     B2: bob joins {"displayname":"Bob"}
     K2: charlie joins {"displayname":"Charlie"} [after AL]`,
  )
  const right = room.stateOf('C', 'P', 'J2', 'AL', 'B2', 'K1')
  const wrong = room.stateOf('C', 'P', 'J1', 'AL', 'B1', 'K2')
  return room.named(room.resolve([right, wrong]))
}

test('problem A: a room does not lose its join rules because who set them has left', () => {
  assert.equal(problemA('12')['m.room.join_rules'], 'J2')
})

test('problem A: until version 11 it does', () => {
  for (const version of ['2', '11']) assert.equal(problemA(version)['m.room.join_rules'], undefined)
})

test('problem A: what else is in conflict comes out the same', () => {
  for (const version of ['2', '11', '12']) {
    const state = problemA(version)
    assert.deepEqual(
      [state['m.room.member @bob:a'], state['m.room.member @charlie:a'], state['m.room.member @alice:a']],
      ['B2', 'K2', 'AL'],
    )
  }
})

/** Eve's server has a state with the first power levels, although she joined with the third in force. */
function problemB(version: string): Record<string, string | undefined> {
  const creator = version === '12' ? '' : '"@creator:a":100,'
  const users = (levels: string) => `{"events":{"m.room.power_levels":50},"users":{${creator}${levels}}}`
  const room = new Room(
    version,
    `C: creator creates
     CJ: creator joins
     P1: creator power ${users('"@alice:a":100')}
     J: creator rule public
     A: alice joins
     B: bob joins
     K: charlie joins
     P2: alice power ${users('"@alice:a":100,"@bob:a":50')}
     P3: bob power ${users('"@alice:a":100,"@bob:a":50,"@charlie:a":50')}
     Z: zara joins
     E1: eve joins [after P3]
     E2: eve joins {"displayname":"Eve"}`,
  )
  const common = ['C', 'CJ', 'J', 'A', 'B', 'K'] as const
  return room.named(room.resolve([room.stateOf(...common, 'P3', 'Z'), room.stateOf(...common, 'P1', 'E2')]))
}

test('problem B: a room does not go back to earlier power levels because of what lies between', () => {
  assert.equal(problemB('12')['m.room.power_levels'], 'P3')
})

test('problem B: until version 11 it does', () => {
  for (const version of ['2', '11']) assert.equal(problemB(version)['m.room.power_levels'], 'P1')
})

test('problem B: what else is in conflict comes out the same', () => {
  for (const version of ['11', '12']) {
    const state = problemB(version)
    assert.deepEqual([state['m.room.member @zara:a'], state['m.room.member @eve:a']], ['Z', 'E2'])
  }
})

const basis = `C: alice creates
  A: alice joins
  P: alice power alice=100 bob=50
  J: alice rule public
  B: bob joins`

test('version 1 takes power levels on from the least depth as long as each allows the next', () => {
  const room = new Room(
    '1',
    `${basis}\n P1: alice power alice=100 bob=60 [after B]\n S: alice says hello [after B]\n P2: alice power alice=100 bob=70`,
  )
  assert.equal(room.nameIn(room.resolve([room.stateAfter('P1'), room.stateAfter('P2')]), 'm.room.power_levels'), 'P2')
})

test('version 1 stops at power levels that are not allowed', () => {
  const room = new Room(
    '1',
    `${basis}\n P1: alice power alice=100 bob=0 [after B]\n S: bob says hello [after B]\n P2: bob power alice=100 bob=50 eve=50 [forced]`,
  )
  assert.equal(room.nameIn(room.resolve([room.stateAfter('P1'), room.stateAfter('P2')]), 'm.room.power_levels'), 'P1')
})

const member = (room: Room) => room.nameIn(room.resolve([room.stateAfter('X'), room.stateAfter('B2')]), 'm.room.member', '@bob:a')

test('version 1 lets back in who was banned on a branch of less depth', () => {
  const text = `${basis}\n X: alice bans bob [after B]\n S: alice says hello [after B]\n S2: alice says more\n B2: bob joins {"displayname":"Bob"}`
  const first = new Room('1', text)
  const second = new Room('2', text)
  assert.equal(member(second), 'X')
  assert.equal(member(first), 'X', 'not if the ban comes first: a join is not allowed on top of it')
  const late = new Room(
    '1',
    `${basis}\n S: alice says hello\n X: alice bans bob\n B2: bob joins {"displayname":"Bob"} [after B]\n T: alice topic one [after B2]`,
  )
  assert.equal(member(late), 'X')
})

test('version 1 picks the deepest of other events that is allowed', () => {
  const room = new Room(
    '1',
    `${basis}\n T1: alice topic one [after B]\n S: alice says hello [after B]\n T2: bob topic two\n S2: eve says no [forced]\n T3: eve topic three [forced]`,
  )
  const topic = (...tips: string[]) => room.nameIn(room.resolve(tips.map((tip) => room.stateAfter(tip))), 'm.room.topic')
  assert.equal(topic('T1', 'T2'), 'T2')
  assert.equal(topic('T1', 'T3'), 'T1')
  assert.equal(topic('T1', 'T2', 'T3'), 'T2')
})

test('version 1 orders equal depths by the SHA-1 of the id', () => {
  const room = new Room('1', `${basis}\n T1: alice topic one [after B]\n T2: bob topic two [after B]`)
  const picked = room.nameIn(room.resolve([room.stateAfter('T1'), room.stateAfter('T2')]), 'm.room.topic')
  // The SHA-1 of `$T1:a` starts with c8, that of `$T2:a` with 73: the lowest is picked.
  assert.equal(picked, 'T2')
})

test('version 1 sees no conflict where a state lacks an event', () => {
  const room = new Room('1', `${basis}\n T: alice topic one [after B]\n E: eve joins [after B]`)
  const state = room.named(room.resolve([room.stateAfter('T'), room.stateAfter('E')]))
  assert.deepEqual([state['m.room.topic'], state['m.room.member @eve:a']], ['T', 'E'])
})
