import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { EventId } from '../../schemas/ids.ts'
import type { Event } from '../../src/protocol/event.ts'
import { splitState } from '../../src/protocol/state-resolution/split.ts'
import { type AuthGraph, authGraphOf, walkingAuthChains } from '../../src/protocol/state-resolution/index.ts'
import { makeEvent, rulesOf, userId } from '../support/dag.ts'

const id = (name: string | number) => `$${name}` as EventId

/** A graph in which each event lists its auth events, as in `{ d: 'b c', b: 'a' }`. */
function graph(edges: Record<string, string>): AuthGraph {
  const events = new Map<EventId, Event>()
  for (const [name, cited] of Object.entries(edges)) {
    const authEvents = cited
      .split(' ')
      .filter((text) => text !== '')
      .map(id)
    events.set(
      id(name),
      makeEvent(rulesOf('12'), { type: 'test', sender: userId('alice'), content: {}, eventId: id(name), authEvents }),
    )
  }
  return authGraphOf((eventId) => events.get(eventId))
}

const names = (ids: Iterable<EventId>) =>
  [...ids]
    .map((eventId) => eventId.slice(1))
    .sort()
    .join(' ')
/** States are told apart into what all have and what not, as a caller would do. */
function difference(edges: Record<string, string>, ...texts: string[]): string {
  const states = texts.map((text) => new Set(text.split(' ').map(id)))
  const isShared = (eventId: EventId) => states.every((state) => state.has(eventId))
  const shared = [...(states[0] ?? [])].filter(isShared)
  const branches = states.map((state) => [...state].filter((eventId) => !isShared(eventId)))
  return names(walkingAuthChains(graph(edges)).difference(shared, branches))
}
const subgraph = (edges: Record<string, string>, conflicted: string) =>
  names(walkingAuthChains(graph(edges)).subgraph(new Set(conflicted.split(' ').map(id))))

const diamond = { a: '', b: 'a', c: 'a', d: 'b', e: 'c', f: 'd e' }

test('the auth difference is what is in some but not in all chains', () => {
  assert.equal(difference(diamond, 'd', 'e'), 'b c')
  assert.equal(difference(diamond, 'f', 'd'), 'c d e')
  assert.equal(difference(diamond, 'f', 'f'), '')
  assert.equal(difference(diamond, 'd', 'd e'), 'c')
  assert.equal(difference(diamond, 'd', 'e', 'f'), 'b c d e')
})

test('an event of a state is not in its own chain', () => {
  assert.equal(difference(diamond, 'a', 'a'), '')
  assert.equal(difference(diamond, 'd', 'b'), 'b')
  assert.equal(difference(diamond, 'd b', 'b'), 'b', 'b is in both states, but only in the chain of the first')
})

test('an auth event that is not known is in the chain all the same', () => {
  assert.equal(difference({ b: 'a', c: 'lost' }, 'b', 'c'), 'a lost')
})

test('one state, or none, makes no difference', () => {
  assert.equal(difference(diamond, 'f'), '')
  assert.equal(names(walkingAuthChains(graph(diamond)).difference([], [])), '')
})

test('the conflicted subgraph is what lies between conflicted events, both ends included', () => {
  assert.equal(subgraph(diamond, 'f a'), 'a b c d e f')
  assert.equal(subgraph(diamond, 'd e'), 'd e')
  assert.equal(subgraph(diamond, 'f b'), 'b d f')
  assert.equal(subgraph(diamond, 'b'), 'b')
  assert.equal(subgraph({ pl1: '', pl2: 'pl1', pl3: 'pl2', odd: 'pl1' }, 'pl3 pl1 odd'), 'odd pl1 pl2 pl3')
})

test('generations count from the first event', () => {
  const { generation } = graph({ ...diamond, late: 'a f', odd: 'lost' })
  assert.deepEqual(
    ['lost', 'a', 'b', 'f', 'late', 'odd'].map((name) => generation(id(name))),
    [0, 1, 2, 4, 5, 1],
  )
})

test('events that cite each other in a circle end it', () => {
  const circle = { a: 'c', b: 'a', c: 'b' }
  assert.ok(graph(circle).generation(id('a')) > 0)
  assert.equal(names(walkingAuthChains(graph(circle)).subgraph(new Set([id('a')]))).includes('a'), true)
  assert.ok(difference(circle, 'a', 'lost').length > 0)
})

test('chains may be long', () => {
  const length = 100_000
  const edges = Object.fromEntries(Array.from({ length }, (_, index) => [String(index), index === 0 ? '' : String(index - 1)]))
  const chains = walkingAuthChains(graph(edges))
  assert.equal(chains.difference([], [[id(length - 1)], [id(0)]]).size, length - 1)
  assert.equal(chains.subgraph(new Set([id(length - 1), id(0)])).size, length)
})

test('the walk stops where the chains meet', () => {
  const edges = Object.fromEntries(
    Array.from({ length: 1000 }, (_, index) => [String(index), index === 0 ? '' : String(index - 1)]),
  )
  const whole = graph({ ...edges, x: '999', y: '999', z: 'x' })
  whole.generation(id('z'))
  const asked = new Set<EventId>()
  const watched: AuthGraph = { ...whole, authEvents: (eventId) => (asked.add(eventId), whole.authEvents(eventId)) }
  assert.equal(names(walkingAuthChains(watched).difference([id('500')], [[id('y')], [id('z')]])), 'x')
  assert.ok(asked.size < 10, `${asked.size} events were looked at`)
})

/** Every event cites some of those before it. */
const anyGraph = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 25 })
  .map((rows) =>
    Object.fromEntries(
      rows.map((row, index) => [index, index === 0 ? '' : [...new Set(row.map((value) => value % index))].join(' ')]),
    ),
  )

function chainOf(edges: Record<string, string>, start: string): Set<string> {
  const chain = new Set<string>()
  const stack = [start]
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    for (const cited of (edges[name] ?? '').split(' ').filter((text) => text !== '')) {
      if (!chain.has(cited)) stack.push(cited)
      chain.add(cited)
    }
  }
  return chain
}

const pick = (edges: Record<string, string>, picks: readonly number[]) => [
  ...new Set(picks.map((value) => String(value % Object.keys(edges).length))),
]

test('the difference is the union without the intersection, in any graph', () => {
  fc.assert(
    fc.property(
      anyGraph,
      fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 40 }),
      (edges, picks) => {
        const states = picks.map((row) => pick(edges, row))
        const chains = states.map((state) => new Set(state.flatMap((name) => [...chainOf(edges, name)])))
        const expected = Object.keys(edges).filter(
          (name) => chains.some((chain) => chain.has(name)) && !chains.every((chain) => chain.has(name)),
        )
        assert.equal(difference(edges, ...states.map((state) => state.join(' '))), expected.sort().join(' '))
      },
    ),
  )
})

test('the subgraph is what has a conflicted event on both sides or is one, in any graph', () => {
  fc.assert(
    fc.property(anyGraph, fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), (edges, picks) => {
      const conflicted = pick(edges, picks)
      const above = (name: string) => conflicted.some((other) => other === name || chainOf(edges, other).has(name))
      const below = (name: string) => conflicted.some((other) => other === name || chainOf(edges, name).has(other))
      const expected = Object.keys(edges).filter((name) => above(name) && below(name))
      assert.equal(subgraph(edges, conflicted.join(' ')), expected.sort().join(' '))
    }),
  )
})

test('states split into what they agree on and what not; a key that one of them lacks is in conflict', () => {
  const states = [
    { same: '$1', other: '$2', alone: '$3' },
    { same: '$1', other: '$4' },
  ].map((state) => new Map(Object.entries(state) as [string, EventId][]))
  const split = splitState(states)
  assert.deepEqual(Object.fromEntries(split.unconflicted), { same: '$1' })
  assert.deepEqual(Object.fromEntries(split.conflicted), {
    other: ['$2', '$4'],
    alone: ['$3', undefined],
  })
  assert.deepEqual(splitState([]), { unconflicted: new Map(), conflicted: new Map() })
})
