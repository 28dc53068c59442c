/**
 * State resolution: one state out of those that the branches of a room disagree about.
 * https://spec.matrix.org/v1.19/rooms/v12/#state-resolution (v2.1), /rooms/v2/#state-resolution (v2, versions 2 to 11)
 * and /rooms/v1/#state-resolution (v1).
 */
import { authorise, createEventIdOf } from '../event-auth/index.ts'
import { authStateKeys } from '../auth-events.ts'
import type { Event, EventId, StateLookup } from '../event.ts'
import type { RoomRules } from '../room-versions.ts'
import { lookupIn, type StateMap, stateMapKey } from '../state-map.ts'
import type { AuthChains } from './auth-chain.ts'
import type { FetchEvent } from './events.ts'
import { mainlineOrder } from './mainline.ts'
import { sortPowerEvents } from './power-sort.ts'
import { type SplitState, splitState } from './split.ts'
import { resolveV1 } from './v1.ts'

export { type AuthChains, type AuthGraph, authGraphOf, walkingAuthChains } from './auth-chain.ts'
export type { FetchEvent } from './events.ts'

export interface ResolutionSources {
  /**
   * Gives any event that was accepted into the room's graph. Asked for: the conflicted events, what `chains` answers,
   * the auth events of both, the power levels events that those are based on, and the state that the states agree on
   * where a check needs it. What it does not know takes no part.
   */
  readonly fetch: FetchEvent
  /** Whether an event was rejected when it was received, by its auth events or by the state before it. */
  readonly isRejected: (eventId: EventId) => boolean
  readonly chains: AuthChains
}

/**
 * Resolves the states after a number of events, such as the prev_events of the next one.
 * The order of the states does not matter, and neither do states that are there twice.
 */
export function resolve(rules: RoomRules, states: readonly StateMap[], sources: ResolutionSources): Map<string, EventId> {
  if (rules.stateResolution === 'v1') return resolveV1(states, sources.fetch)
  const split = splitState(states)
  return split.conflicted.size === 0 ? split.unconflicted : resolveV2(rules, states, split, sources)
}

function resolveV2(
  rules: RoomRules,
  states: readonly StateMap[],
  split: SplitState,
  sources: ResolutionSources,
): Map<string, EventId> {
  const { fetch } = sources
  const conflicted = fullConflictedSet(rules, states, split, sources)
  // 1. Power events and what is in their auth chains, in the reverse topological power ordering.
  const powerEvents = sortPowerEvents(conflicted, fetch)
  // 2. Check them one after another, v2 from the unconflicted state map, v2.1 from an empty one.
  const state = new Map(rules.stateResolution === 'v2.1' ? [] : split.unconflicted)
  applyAuthorised(powerEvents, state, sources)
  // 3. All others, in the mainline ordering based on the power levels found so far.
  for (const event of powerEvents) conflicted.delete(event.eventId)
  const powerId = state.get(stateMapKey('m.room.power_levels', ''))
  const others = mainlineOrder([...conflicted.values()], powerId && fetch(powerId), fetch)
  // 4. Check those on top.
  applyAuthorised(others, state, sources)
  // 5. What is not in conflict holds, whatever came out for its keys.
  for (const [key, eventId] of split.unconflicted) state.set(key, eventId)
  return state
}

/** The conflicted state set, the auth difference, and in v2.1 the conflicted state subgraph. */
function fullConflictedSet(
  rules: RoomRules,
  states: readonly StateMap[],
  { conflicted }: SplitState,
  { fetch, chains }: ResolutionSources,
): Map<EventId, Event> {
  const ids = new Set<EventId>()
  for (const events of conflicted.values()) for (const eventId of events) ids.add(eventId)
  const subgraph = rules.stateResolution === 'v2.1' ? chains.subgraph(ids) : []
  const difference = chains.difference(states.map((state) => state.values()))
  const events = new Map<EventId, Event>()
  for (const eventId of [...ids, ...subgraph, ...difference]) {
    const event = fetch(eventId)
    if (event !== undefined) events.set(eventId, event)
  }
  return events
}

/** The iterative auth checks: each event that the rules allow in the state so far becomes part of it. */
function applyAuthorised(events: readonly Event[], state: Map<string, EventId>, sources: ResolutionSources): void {
  for (const event of events) {
    if (event.stateKey === undefined) continue
    if (authorise(event, stateFor(event, state, sources)).allowed)
      state.set(stateMapKey(event.type, event.stateKey), event.eventId)
  }
}

/**
 * The state that an event is checked against. If a key that the check requires is not present in the state, the
 * appropriate event from the event's auth_events is used if it is not rejected. In version 12 the create event is
 * not among them; the room id names it.
 */
function stateFor(event: Event, state: ReadonlyMap<string, EventId>, { fetch, isRejected }: ResolutionSources): StateLookup {
  const known: Event[] = []
  const take = (eventId: EventId | undefined) => {
    const found = eventId === undefined ? undefined : fetch(eventId)
    if (found !== undefined) known.push(found)
  }
  const cited = event.rules.roomIdIsCreateHash ? [createEventIdOf(event.roomId), ...event.authEvents] : event.authEvents
  for (const eventId of cited) if (!isRejected(eventId)) take(eventId)
  for (const { type, stateKey } of authStateKeys(event, event.rules)) take(state.get(stateMapKey(type, stateKey)))
  return lookupIn(known)
}
