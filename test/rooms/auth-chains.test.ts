import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AuthChains } from '../../src/rooms/auth-chains.ts'
import { authDifference, conflictedSubgraph } from '../support/whole-states.ts'

/** A graph of events 1, 2, 3 and so on, each with the earlier ones that it cites; every event is of a kind of its own. */
class Graph {
  readonly #cited: readonly (readonly number[])[]
  readonly #citing = new Map<number, number[]>()
  readonly #page: number
  /** How many events were looked at. */
  asked = 0

  constructor(cited: readonly (readonly number[])[], page = 3) {
    this.#cited = cited
    this.#page = page
    for (const [index, nids] of cited.entries())
      for (const nid of nids) this.#citing.set(nid, [...(this.#citing.get(nid) ?? []), index + 1])
  }

  readonly cited = (nid: number): readonly number[] => this.#cited[nid - 1] ?? []

  async authEvents(nid: number) {
    this.asked++
    return this.cited(nid)
  }

  async citations(nid: number, end = Number.MAX_SAFE_INTEGER) {
    this.asked++
    const all = (this.#citing.get(nid) ?? []).filter((citing) => citing < end).toReversed()
    const citations = all.slice(0, this.#page).map((citing) => ({ citing, kind: citing, isCited: this.#citing.has(citing) }))
    return { citations, next: all.length > this.#page ? citations.at(-1)?.citing : undefined }
  }

  chains(shared: ReadonlySet<number>): AuthChains {
    return new AuthChains({ graph: this, isShared: async (nid) => shared.has(nid) })
  }

  /** States are told apart into what all have and what not, as the resolver does. */
  difference(states: readonly (readonly number[])[]): Promise<Set<number>> {
    const claims = new Map<number, bigint>()
    states.forEach((state, index) => {
      for (const nid of state) claims.set(nid, (claims.get(nid) ?? 0n) | (1n << BigInt(index)))
    })
    const all = (1n << BigInt(states.length)) - 1n
    const shared = new Set([...claims].flatMap(([nid, having]) => (having === all ? [nid] : [])))
    for (const nid of shared) claims.delete(nid)
    return this.chains(shared).difference(claims, states.length)
  }

  subgraph(conflicted: readonly number[]): Promise<Set<number>> {
    return this.chains(new Set()).subgraph(new Set(conflicted))
  }
}

const sorted = (nids: Iterable<number>) => [...nids].sort((a, b) => a - b)
/** 2 and 3 cite 1, 4 cites 2, 5 cites 3, 6 cites both of those. */
const diamond = () => new Graph([[], [1], [1], [2], [3], [4, 5]])
const difference = async (...states: number[][]) => sorted(await diamond().difference(states))
const subgraph = async (...conflicted: number[]) => sorted(await diamond().subgraph(conflicted))
const line = (length: number) => Array.from({ length }, (_, index) => (index === 0 ? [] : [index]))

test('the auth difference is what is in some but not in all chains', async () => {
  assert.deepEqual(await difference([4], [5]), [2, 3])
  assert.deepEqual(await difference([6], [4]), [3, 4, 5])
  assert.deepEqual(await difference([6], [6]), [])
  assert.deepEqual(await difference([4], [4, 5]), [3])
  assert.deepEqual(await difference([4], [5], [6]), [2, 3, 4, 5])
  assert.deepEqual(await difference([6]), [])
  assert.deepEqual(await difference([1], [1]), [])
})

test('an event of a state is not in its own chain', async () => {
  assert.deepEqual(await difference([4], [2]), [2])
  assert.deepEqual(await difference([4, 2], [2]), [2], 'both have it, but only the chain of the first')
})

test('the conflicted subgraph is what lies between conflicted events, both ends included', async () => {
  assert.deepEqual(await subgraph(6, 1), [1, 2, 3, 4, 5, 6])
  assert.deepEqual(await subgraph(4, 5), [4, 5])
  assert.deepEqual(await subgraph(6, 2), [2, 4, 6])
  assert.deepEqual(await subgraph(2), [2])
  assert.deepEqual(await subgraph(), [])
})

test('chains may be long', async () => {
  const length = 20_000
  const graph = new Graph(line(length))
  assert.equal((await graph.difference([[length], [1]])).size, length - 1)
  assert.equal((await graph.subgraph([length, 1])).size, length)
})

test('no walk goes on where chains have met', async () => {
  const branches = [[1000], [1000], [1001]]
  const graph = new Graph([...line(1000), ...branches])
  assert.deepEqual(
    sorted(
      await graph.difference([
        [500, 1002],
        [500, 1003],
      ]),
    ),
    [1001],
  )
  assert.ok(graph.asked < 10, `${graph.asked} events were looked at`)
})

test('no walk goes on from what a shared event is based on', async () => {
  const graph = new Graph([...line(1000), [3, 1000], [2], [1000]])
  assert.deepEqual(
    sorted(
      await graph.difference([
        [1001, 1002],
        [1001, 1003],
      ]),
    ),
    [],
  )
  assert.ok(graph.asked < 20, `${graph.asked} events were looked at`)
})

test('a subgraph costs what the shorter way costs', async () => {
  const graph = new Graph([...line(1000), [1], [1001, 1000]])
  assert.deepEqual(sorted(await graph.subgraph([1001, 1002])), [1001, 1002])
  assert.ok(graph.asked < 10, `${graph.asked} events were looked at`)
})

/** Every event cites some of those before it: any of them, or late ones, as in a room. */
const anyGraph = fc
  .array(
    fc.array(
      fc.oneof(
        fc.nat(),
        fc.nat({ max: 3 }).map((back) => -1 - back),
      ),
      { maxLength: 4 },
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((rows) =>
    rows.map((row, index) => (index === 0 ? [] : [...new Set(row.map((value) => 1 + (((value % index) + index) % index)))])),
  )
const RUNS = 2_000

test('the difference is the union without the intersection, in any graph', () =>
  fc.assert(
    fc.asyncProperty(
      anyGraph,
      fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (cited, picks, shared, page) => {
        const states = picks.map((row) => [...new Set([...row, ...shared].map((value) => 1 + (value % cited.length)))])
        const graph = new Graph(cited, page)
        assert.deepEqual(sorted(await graph.difference(states)), sorted(authDifference(states, graph.cited)))
      },
    ),
    { numRuns: RUNS },
  ))

test('the subgraph is what has a conflicted event on both sides or is one, in any graph', () =>
  fc.assert(
    fc.asyncProperty(
      anyGraph,
      fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (cited, picks, page) => {
        const conflicted = new Set(picks.map((value) => 1 + (value % cited.length)))
        const graph = new Graph(cited, page)
        assert.deepEqual(sorted(await graph.subgraph([...conflicted])), sorted(conflictedSubgraph(conflicted, graph.cited)))
      },
    ),
    { numRuns: RUNS },
  ))
