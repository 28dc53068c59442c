/** The state of a room as a map from (type, state key) to event id, its keys flat strings. */
import type { Event, EventId, StateKey, StateLookup } from './event.ts'

export type StateMap = ReadonlyMap<string, EventId>

/** The key of a piece of state in a `StateMap`. */
export function stateMapKey(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`
}

/** The piece of state that a key of a `StateMap` stands for. */
export function parseStateMapKey(key: string): StateKey {
  const end = key.indexOf('\0')
  return { type: key.slice(0, end), stateKey: key.slice(end + 1) }
}

/** A state made of a few events, such as the auth events of one; of two with the same key the later counts. */
export function lookupIn(events: Iterable<Event>): StateLookup {
  const state = new Map<string, Event>()
  for (const event of events) if (event.stateKey !== undefined) state.set(stateMapKey(event.type, event.stateKey), event)
  return (type, stateKey) => state.get(stateMapKey(type, stateKey))
}
