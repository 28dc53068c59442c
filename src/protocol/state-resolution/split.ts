import type { EventId } from '../event.ts'
import type { StateMap } from '../state-map.ts'

export interface SplitState {
  readonly unconflicted: Map<string, EventId>
  /** Each of the events that the states do not agree on, once, by their key. */
  readonly conflicted: Map<string, Set<EventId>>
}

/**
 * Unconflicted state map and conflicted state set: a key that is present in every state with the same event belongs
 * to the first; else its events belong to the second.
 */
export function splitState(states: readonly StateMap[]): SplitState {
  const unconflicted = new Map<string, EventId>()
  const conflicted = new Map<string, Set<EventId>>()
  const [first, ...others] = states
  if (first === undefined) return { unconflicted, conflicted }
  for (const [key, eventId] of first) {
    if (others.every((state) => state.get(key) === eventId)) unconflicted.set(key, eventId)
  }
  for (const state of states) {
    for (const [key, eventId] of state) {
      if (unconflicted.has(key)) continue
      const events = conflicted.get(key)
      if (events === undefined) conflicted.set(key, new Set([eventId]))
      else events.add(eventId)
    }
  }
  return { unconflicted, conflicted }
}
