/** What any number of states do not agree on, found leaf by leaf of their maps (state.ts). */

/**
 * What states do not agree on: by kind, the events that some of them have, with the states that have each, one bit a state.
 * Under the event 0 are the states that have nothing of the kind.
 */
export type Disputes = ReadonlyMap<number, ReadonlyMap<number, bigint>>

/** A leaf of state maps: its pairs of kind and event, and the states that have it. */
interface LeafOfStates {
  readonly node: { readonly pairs: ReadonlyMap<number, number> }
  readonly states: bigint
}

/** Notes that some more states have something. */
export function addStates<K>(groups: Map<K, bigint>, key: K, states: bigint): void {
  groups.set(key, (groups.get(key) ?? 0n) | states)
}

/** Enters those kinds that the leaves, each of some states, do not agree on. */
export function disputePairs(leaves: readonly LeafOfStates[], into: Map<number, Map<number, bigint>>): void {
  const kinds = new Map<number, Map<number, bigint>>()
  let all = 0n
  for (const { node, states } of leaves) {
    all |= states
    for (const [kind, event] of node.pairs) {
      const events = kinds.get(kind) ?? new Map<number, bigint>()
      kinds.set(kind, events)
      addStates(events, event, states)
    }
  }
  for (const [kind, events] of kinds) {
    let having = 0n
    for (const states of events.values()) having |= states
    if (having !== all) events.set(0, all ^ having)
    if (events.size > 1) into.set(kind, events)
  }
}
