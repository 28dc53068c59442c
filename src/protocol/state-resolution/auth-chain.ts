/**
 * The two questions that state resolution asks about auth chains, and a plain answer to them.
 * A store that indexes its auth chains can answer them itself, as long as the answers are the same.
 */
import type { Event, EventId } from '../event.ts'
import type { FetchEvent } from './events.ts'

export interface AuthChains {
  /**
   * The auth difference: the events that are in the full auth chain of some, but not of all of the states. The full
   * auth chain of a state are the auth events of its events, their auth events and so on, back to the start.
   * @param shared the events that are in all states
   * @param branches the further events of each state
   */
  difference(shared: Iterable<EventId>, branches: readonly Iterable<EventId>[]): Set<EventId>
  /** The conflicted state subgraph: all events on a path along auth events from one conflicted event to another, both ends included. */
  subgraph(conflicted: ReadonlySet<EventId>): Set<EventId>
}

/** The auth events of events, without the events. */
export interface AuthGraph {
  /** The events that an event lists as its auth events; none for an event that is not known. */
  authEvents(eventId: EventId): readonly EventId[]
  /**
   * How far an event is from the start: one more than the greatest generation among its auth events, 1 without auth
   * events, and 0 for an event that is not known. It has to be computed here: `depth` is what the sender likes it to be.
   */
  generation(eventId: EventId): number
}

/** Answers by walking the graph from the late events to the early, no further than the answer can change. */
export function walkingAuthChains(graph: AuthGraph): AuthChains {
  return {
    difference: (shared, branches) => difference(graph, shared, branches),
    subgraph: (conflicted) => subgraph(graph, conflicted),
  }
}

/** Event ids in buckets by generation, handed out from the latest generation to the earliest. */
class GenerationQueue {
  readonly #graph: AuthGraph
  readonly #buckets: EventId[][] = []

  constructor(graph: AuthGraph) {
    this.#graph = graph
  }

  push(eventId: EventId): void {
    const generation = this.#graph.generation(eventId)
    const bucket = this.#buckets[generation]
    if (bucket === undefined) this.#buckets[generation] = [eventId]
    else bucket.push(eventId)
  }

  pop(): EventId | undefined {
    while (this.#buckets.length > 0) {
      const eventId = this.#buckets.at(-1)?.pop()
      if (eventId !== undefined) return eventId
      this.#buckets.pop()
    }
    return undefined
  }
}

function difference(graph: AuthGraph, shared: Iterable<EventId>, branches: readonly Iterable<EventId>[]): Set<EventId> {
  const walk = new DifferenceWalk(graph, shared, branches)
  const found = new Set<EventId>()
  for (let eventId = walk.next(); eventId !== undefined; eventId = walk.next()) found.add(eventId)
  return found
}

/**
 * Goes from the late events to the early and notes of each in which chains it is, one bit a state, until all that is
 * left to visit is in all of them; so is then what that is based on.
 */
class DifferenceWalk {
  readonly #graph: AuthGraph
  readonly #queue: GenerationQueue
  readonly #inAll: bigint
  /** Which states an event is in, and which chains. */
  readonly #states = new Map<EventId, bigint>()
  readonly #chains = new Map<EventId, bigint>()
  /** How many in the queue are not known to be in all chains, or for events of states, not in all states. */
  #open = 0

  constructor(graph: AuthGraph, shared: Iterable<EventId>, branches: readonly Iterable<EventId>[]) {
    this.#graph = graph
    this.#queue = new GenerationQueue(graph)
    this.#inAll = (1n << BigInt(branches.length)) - 1n
    for (const eventId of shared) this.#start(eventId, this.#inAll)
    branches.forEach((branch, index) => {
      for (const eventId of branch) this.#start(eventId, 1n << BigInt(index))
    })
    for (const states of this.#states.values()) if (states !== this.#inAll) this.#open++
  }

  #start(eventId: EventId, states: bigint): void {
    const before = this.#states.get(eventId)
    if (before === undefined) this.#queue.push(eventId)
    this.#states.set(eventId, before === undefined ? states : before | states)
  }

  /** The next event that is in some of the chains, but not in all. */
  next(): EventId | undefined {
    while (this.#open > 0) {
      const eventId = this.#queue.pop()
      if (eventId === undefined) return undefined
      const states = this.#states.get(eventId) ?? 0n
      const chains = this.#chains.get(eventId)
      if ((chains ?? states) !== this.#inAll) this.#open--
      for (const authEvent of this.#graph.authEvents(eventId)) this.#enter(authEvent, states | (chains ?? 0n))
      if (chains !== undefined && chains !== this.#inAll) return eventId
    }
    return undefined
  }

  /** An event is in these chains, and maybe in others already. */
  #enter(eventId: EventId, chains: bigint): void {
    const before = this.#chains.get(eventId)
    if (before === this.#inAll) return
    const after = before === undefined ? chains : before | chains
    if (before === after) return
    const queued = before ?? this.#states.get(eventId)
    if (queued === undefined) this.#queue.push(eventId)
    else if (queued !== this.#inAll) this.#open--
    if (after !== this.#inAll) this.#open++
    this.#chains.set(eventId, after)
  }
}

/** Visits all that the conflicted events are based on, down to their earliest, then keeps what is based on one of them. */
function subgraph(graph: AuthGraph, conflicted: ReadonlySet<EventId>): Set<EventId> {
  let earliest = Number.POSITIVE_INFINITY
  for (const eventId of conflicted) earliest = Math.min(earliest, graph.generation(eventId))
  const queue = new GenerationQueue(graph)
  const visited = new Set<EventId>()
  const visit = (eventId: EventId) => {
    if (visited.has(eventId) || graph.generation(eventId) < earliest) return
    visited.add(eventId)
    queue.push(eventId)
  }
  conflicted.forEach(visit)
  const latestFirst: EventId[] = []
  for (let eventId = queue.pop(); eventId !== undefined; eventId = queue.pop()) {
    latestFirst.push(eventId)
    graph.authEvents(eventId).forEach(visit)
  }
  const found = new Set<EventId>()
  for (const eventId of latestFirst.toReversed()) {
    if (conflicted.has(eventId) || graph.authEvents(eventId).some((authEvent) => found.has(authEvent))) found.add(eventId)
  }
  return found
}

/** The graph of events that are at hand as a whole; generations are computed once an event and remembered. */
export function authGraphOf(fetch: FetchEvent): AuthGraph {
  const generations = new Map<EventId, number>()
  const authEvents = (eventId: EventId): readonly EventId[] => fetch(eventId)?.authEvents ?? []
  return { authEvents, generation: (eventId) => generations.get(eventId) ?? computeGeneration(eventId, fetch, generations) }
}

/** A stack in place of recursion: chains are as long as others make them. */
function computeGeneration(start: EventId, fetch: FetchEvent, generations: Map<EventId, number>): number {
  const stack = [start]
  // Where senders choose the event ids (versions 1 and 2), events can cite each other in a circle.
  const entered = new Set<EventId>()
  for (let eventId = stack.at(-1); eventId !== undefined; eventId = stack.at(-1)) {
    const event = fetch(eventId)
    entered.add(eventId)
    const pending = event?.authEvents.filter((authEvent) => !generations.has(authEvent) && !entered.has(authEvent)) ?? []
    if (pending.length > 0) {
      stack.push(...pending)
      continue
    }
    generations.set(eventId, event === undefined ? 0 : 1 + latestOf(event, generations))
    stack.pop()
  }
  return generations.get(start) ?? 0
}

function latestOf(event: Event, generations: ReadonlyMap<EventId, number>): number {
  return event.authEvents.reduce((latest, authEvent) => Math.max(latest, generations.get(authEvent) ?? 0), 0)
}
