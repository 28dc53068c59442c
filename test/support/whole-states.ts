/** State resolution over whole states and whole auth chains, each step as the specification words it: what to hold the server to. */
import type { EventId } from '../../schemas/ids.ts'
import type { RoomRules } from '../../src/protocol/room-versions.ts'
import type { StateMap } from '../../src/protocol/state-map.ts'
import { type Conflicts, type ResolutionSources, resolveConflicts } from '../../src/protocol/state-resolution/index.ts'

/** Resolves the states after a number of events; the order of the states does not matter, nor do states that are there twice. */
export function resolve(rules: RoomRules, states: readonly StateMap[], sources: ResolutionSources): Map<string, EventId> {
  const { unconflicted, conflicted } = splitState(states)
  if (conflicted.size === 0) return unconflicted
  const cited = (eventId: EventId) => sources.fetch(eventId)?.authEvents ?? []
  const conflicts = {
    unconflicted,
    conflicted,
    drawnIn: new Set([
      ...authDifference(
        states.map((state) => [...state.values()]),
        cited,
      ),
      ...(rules.stateResolution === 'v2.1'
        ? conflictedSubgraph(new Set([...conflicted.values()].flatMap((ids) => [...ids])), cited)
        : []),
    ]),
  }
  return new Map([...unconflicted, ...finished(resolveConflicts(rules, conflicts, sources))])
}

function finished<R>(steps: Generator<unknown, R>): R {
  let step = steps.next()
  while (!step.done) step = steps.next()
  return step.value
}

/** If a given key is present in every state with the same event, it belongs to the unconflicted state map. */
export function splitState(states: readonly StateMap[]): Pick<Conflicts, 'conflicted'> & { unconflicted: Map<string, EventId> } {
  const unconflicted = new Map<string, EventId>()
  const conflicted = new Map<string, Set<EventId>>()
  for (const key of new Set(states.flatMap((state) => [...state.keys()]))) {
    const events = states.map((state) => state.get(key))
    const [first] = events
    if (first !== undefined && events.every((eventId) => eventId === first)) unconflicted.set(key, first)
    else conflicted.set(key, new Set(events.filter((eventId) => eventId !== undefined)))
  }
  return { unconflicted, conflicted }
}

/** All auth events of events, their auth events and so on. The events themselves are not in it, unless others cite them. */
export function authChain<Id>(ids: Iterable<Id>, cited: (id: Id) => readonly Id[]): Set<Id> {
  const chain = new Set<Id>()
  const stack = [...ids]
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    for (const authEvent of cited(id)) {
      if (!chain.has(authEvent)) stack.push(authEvent)
      chain.add(authEvent)
    }
  }
  return chain
}

/** The events that are in the auth chain of some, but not of all of the states. */
export function authDifference<Id>(states: readonly (readonly Id[])[], cited: (id: Id) => readonly Id[]): Set<Id> {
  const chains = states.map((state) => authChain(state, cited))
  const inSome = new Set(chains.flatMap((chain) => [...chain]))
  return new Set([...inSome].filter((id) => !chains.every((chain) => chain.has(id))))
}

/** The conflicted events, and what is in the auth chain of one of them and has another one in its own. */
export function conflictedSubgraph<Id>(conflicted: ReadonlySet<Id>, cited: (id: Id) => readonly Id[]): Set<Id> {
  const between = [...authChain(conflicted, cited)].filter(
    (id) => !conflicted.has(id) && !authChain([id], cited).isDisjointFrom(conflicted),
  )
  return conflicted.union(new Set(between))
}
