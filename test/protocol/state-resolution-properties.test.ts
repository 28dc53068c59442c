import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type StateMap, stateMapKey } from '../../src/protocol/state-map.ts'
import { Room } from '../support/dag.ts'

const users = ['alice', 'bob', 'carol', 'dora']
const anyUser = fc.constantFrom(...users)
const level = fc.constantFrom(0, 25, 50, 75, 100)

/** Something that somebody may try in a room; whether it is allowed where it is tried is another matter. */
const anyAction = fc.oneof(
  fc
    .tuple(anyUser, fc.constantFrom('joins', 'leaves', 'topic x', 'topic y', 'rule public', 'rule invite'))
    .map((words) => words.join(' ')),
  fc.tuple(anyUser, fc.constantFrom('bans', 'kicks', 'invites'), anyUser).map((words) => words.join(' ')),
  fc
    .tuple(anyUser, level, level)
    .map(
      ([user, bob, carol]) =>
        `${user} power {"events":{"m.room.power_levels":50},"users":{"@alice:a":100,"@bob:a":${bob},"@carol:a":${carol}}}`,
    ),
)
/** An action, the events that it is put on top of (as numbers), and its time. */
const anyStep = fc.record({
  action: anyAction,
  after: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 2 }),
  at: fc.nat({ max: 20 }),
})
const anyHistory = fc.array(anyStep, { minLength: 4, maxLength: 25 })

type Step = { action: string; after: number[]; at: number }

/** Grows a room by all steps that are allowed where they are made, and gives the tips of its graph. */
function grow(version: string, steps: readonly Step[]): { room: Room; tips: string[] } {
  const first = version === '12' ? 'dora=0' : 'alice=100'
  const room = new Room(
    version,
    `C: alice creates\n A: alice joins\n P: alice power ${first}\n J: alice rule public\n B: bob joins\n K: carol joins`,
  )
  const made = ['K']
  const tips = new Set(made)
  steps.forEach(({ action, after, at }, index) => {
    const before = [...new Set(after.map((back) => made.at(-1 - (back % made.length)) ?? 'K'))]
    const line = `${version === '12' ? action.replace('"@alice:a":100,', '') : action} [after ${before.join(',')}] [at ${at}]`
    if (!room.try(line).allowed) return
    room.add(`S${index}: ${line}`)
    made.push(`S${index}`)
    for (const name of before) tips.delete(name)
    tips.add(`S${index}`)
  })
  return { room, tips: [...tips] }
}

const sorted = (state: StateMap) => [...state].sort(([x], [y]) => (x < y ? -1 : 1))

for (const version of ['1', '2', '11', '12']) {
  test(`the order of the states does not matter, nor do repeated ones (version ${version})`, () => {
    fc.assert(
      fc.property(anyHistory, fc.infiniteStream(fc.nat()), (steps, dice) => {
        const { room, tips } = grow(version, steps)
        const states = tips.map((tip) => room.stateAfter(tip))
        const shuffled = [...states, ...states.slice(0, 1)]
          .map((state) => ({ state, at: dice.next().value }))
          .sort((x, y) => x.at - y.at)
          .map(({ state }) => state)
        assert.deepEqual(sorted(room.resolve(shuffled)), sorted(room.resolve(states)))
      }),
      { numRuns: 60 },
    )
  })

  test(`what the states agree on stays, and nothing comes from nowhere (version ${version})`, () => {
    fc.assert(
      fc.property(anyHistory, (steps) => {
        const { room, tips } = grow(version, steps)
        const states = tips.map((tip) => room.stateAfter(tip))
        const state = room.resolve(states)
        for (const [key, eventId] of states[0] ?? []) {
          if (states.every((other) => other.get(key) === eventId)) assert.equal(state.get(key), eventId)
        }
        for (const [key, eventId] of state) {
          const event = room.events.get(eventId)
          assert.equal(event && stateMapKey(event.type, event.stateKey ?? ''), key)
        }
        assert.deepEqual(sorted(room.resolve([state, state])), sorted(state))
      }),
      { numRuns: 60 },
    )
  })
}

test('nobody removes the creator of a room of version 12, whatever is resolved', () => {
  fc.assert(
    fc.property(anyHistory, (steps) => {
      const { room, tips } = grow('12', steps)
      const state = room.resolve(tips.map((tip) => room.stateAfter(tip)))
      const alice = room.events.get(state.get(stateMapKey('m.room.member', '@alice:a')) ?? room.id('A'))
      assert.ok(alice?.sender === '@alice:a' || alice?.content['membership'] === 'invite', 'others may but invite her')
    }),
    { numRuns: 60 },
  )
})
