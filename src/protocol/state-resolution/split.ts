import type { EventId } from '../event.ts'
import type { StateMap } from '../state-map.ts'

/** A number of states, as what they agree on and what not. */
export interface SplitState {
  /** The unconflicted state map. Who can split states without reading them whole need not have it as a map. */
  readonly unconflicted: Pick<StateMap, 'get' | 'values'>
  /** The conflicted keys, with the event that each state has for it, or undefined where it has none. */
  readonly conflicted: ReadonlyMap<string, readonly (EventId | undefined)[]>
}

/** If a given key is present in every state with the same event, it belongs to the unconflicted state map. */
export function splitState(states: readonly StateMap[]): SplitState & { readonly unconflicted: Map<string, EventId> } {
  const unconflicted = new Map<string, EventId>()
  const conflicted = new Map<string, (EventId | undefined)[]>()
  for (const state of states) {
    for (const [key, eventId] of state) {
      if (unconflicted.has(key) || conflicted.has(key)) continue
      if (states.every((other) => other.get(key) === eventId)) unconflicted.set(key, eventId)
      else
        conflicted.set(
          key,
          states.map((other) => other.get(key)),
        )
    }
  }
  return { unconflicted, conflicted }
}

/** The events that states do not agree on, state by state. */
export function branchesOf({ conflicted }: SplitState): EventId[][] {
  const branches: EventId[][] = []
  for (const events of conflicted.values()) {
    events.forEach((eventId, index) => {
      const branch = (branches[index] ??= [])
      if (eventId !== undefined) branch.push(eventId)
    })
  }
  return branches
}
