/** The state of a room as a map from (type, state key) to event id, its keys flat strings. */
import type { Event, EventId, StateKey, StateLookup } from './event.ts'

export type StateMap = ReadonlyMap<string, EventId>

/** The key of a piece of state in a `StateMap`: the length of the type tells where that ends, whatever characters it has. */
export function stateMapKey(type: string, stateKey: string): string {
  return `${type.length}:${type}${stateKey}`
}

/** The piece of state that a key of a `StateMap` stands for. */
export function parseStateMapKey(key: string): StateKey {
  const start = key.indexOf(':') + 1
  const end = start + Number(key.slice(0, start - 1))
  return { type: key.slice(start, end), stateKey: key.slice(end) }
}

/** A state made of a few events, such as the auth events of one; of two with the same key the later counts. */
export function lookupIn(events: Iterable<Event>): StateLookup {
  const state = new Map<string, Event>()
  for (const event of events) if (event.stateKey !== undefined) state.set(stateMapKey(event.type, event.stateKey), event)
  return (type, stateKey) => state.get(stateMapKey(type, stateKey))
}
