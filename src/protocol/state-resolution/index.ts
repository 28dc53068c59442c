/**
 * State resolution: one state out of those that the branches of a room disagree about.
 * https://spec.matrix.org/v1.19/rooms/v12/#state-resolution (v2.1), /rooms/v2/#state-resolution (v2, versions 2 to 11)
 * and /rooms/v1/#state-resolution (v1).
 */
import { authorise, createEventIdOf } from '../event-auth/index.ts'
import type { CheckedEvent, EventId, StateLookup } from '../event.ts'
import type { RoomRules } from '../room-versions.ts'
import { type StateMap, stateMapKey } from '../state-map.ts'
import type { Conflicts, Resolution } from './conflicts.ts'
import type { FetchEvent } from './events.ts'
import { mainlineOrder } from './mainline.ts'
import { sortPowerEvents } from './power-sort.ts'
import { resolveV1 } from './v1.ts'

export type { Conflicts, Resolution } from './conflicts.ts'
export type { FetchEvent } from './events.ts'

export interface ResolutionSources {
  /**
   * Gives any event that was accepted into the room's graph. Asked for: the full conflicted set and its auth events, the
   * power levels events that those are based on, and the state that the states agree on where a check needs it. What it
   * does not know takes no part.
   */
  readonly fetch: FetchEvent
  /** Whether an event was rejected when it was received, by its auth events or by the state before it. */
  readonly isRejected: (eventId: EventId) => boolean
}

/**
 * Resolves the states after a number of events, such as the prev_events of the next one, at a cost that does not grow with
 * what they agree on. The order of the states does not matter. There may be many events to check: it yields after each, so
 * that others can have their turn.
 * @returns what to add to the unconflicted state map to have the resolved state
 */
export function resolveConflicts(rules: RoomRules, conflicts: Conflicts, sources: ResolutionSources): Resolution {
  return rules.stateResolution === 'v1' ? resolveV1(conflicts, sources.fetch) : resolveV2(rules, conflicts, sources)
}

function* resolveV2(rules: RoomRules, conflicts: Conflicts, sources: ResolutionSources): Resolution {
  const { fetch } = sources
  const { unconflicted } = conflicts
  const conflicted = fullConflictedSet(conflicts, fetch)
  // 1. Power events and what is in their auth chains, in the reverse topological power ordering.
  const powerEvents = sortPowerEvents(conflicted, fetch)
  // 2. Check them one after another, v2 from the unconflicted state map, v2.1 from an empty one.
  const state = new GrowingState(rules.stateResolution === 'v2.1' ? new Map() : unconflicted)
  yield* applyAuthorised(powerEvents, state, sources)
  // 3. All others, in the mainline ordering based on the power levels found so far.
  for (const event of powerEvents) conflicted.delete(event.eventId)
  const powerId = state.get('m.room.power_levels', '')
  const others = mainlineOrder([...conflicted.values()], powerId && fetch(powerId), fetch)
  // 4. Check those on top.
  yield* applyAuthorised(others, state, sources)
  // 5. What is not in conflict holds, whatever came out for its keys.
  const changes = state.changes
  for (const key of changes.keys()) if (unconflicted.get(key) !== undefined) changes.delete(key)
  return changes
}

/** A state and what has been changed in it. */
class GrowingState {
  readonly changes = new Map<string, EventId>()
  /** What has an empty state key, by type: every check asks for it. */
  readonly #ofRoom = new Map<string, EventId | undefined>()
  readonly #basis: Pick<StateMap, 'get'>

  constructor(basis: Pick<StateMap, 'get'>) {
    this.#basis = basis
  }

  get(type: string, stateKey: string): EventId | undefined {
    if (stateKey !== '') return this.#find(type, stateKey)
    if (!this.#ofRoom.has(type)) this.#ofRoom.set(type, this.#find(type, stateKey))
    return this.#ofRoom.get(type)
  }

  set({ type, eventId }: CheckedEvent, stateKey: string): void {
    this.changes.set(stateMapKey(type, stateKey), eventId)
    if (stateKey === '') this.#ofRoom.set(type, eventId)
  }

  #find(type: string, stateKey: string): EventId | undefined {
    const key = stateMapKey(type, stateKey)
    return this.changes.get(key) ?? this.#basis.get(key)
  }
}

function fullConflictedSet({ conflicted, drawnIn }: Conflicts, fetch: FetchEvent): Map<EventId, CheckedEvent> {
  const events = new Map<EventId, CheckedEvent>()
  for (const eventIds of [...conflicted.values(), drawnIn]) {
    for (const eventId of eventIds) {
      const event = fetch(eventId)
      if (event !== undefined) events.set(eventId, event)
    }
  }
  return events
}

/** The iterative auth checks: each event that the rules allow in the state so far becomes part of it. */
function* applyAuthorised(
  events: readonly CheckedEvent[],
  state: GrowingState,
  sources: ResolutionSources,
): Generator<void, void> {
  for (const event of events) {
    yield
    if (event.stateKey === undefined || !authorise(event, stateFor(event, state, sources)).allowed) continue
    state.set(event, event.stateKey)
  }
}

/**
 * The state that an event is checked against, which is asked for no more than what `authStateKeys` names. If a key is not
 * present in the state, the appropriate event from the event's auth_events is used if it is not rejected. In version 12 the
 * create event is not among them; the room id names it.
 */
function stateFor(event: CheckedEvent, state: GrowingState, { fetch, isRejected }: ResolutionSources): StateLookup {
  const cited = (type: string, stateKey: string) => {
    const eventId = event.authEvents.findLast((citedId) => {
      const found = fetch(citedId)
      return found?.type === type && found.stateKey === stateKey && !isRejected(citedId)
    })
    return eventId && fetch(eventId)
  }
  return (type, stateKey) => {
    if (type === 'm.room.create' && event.rules.roomIdIsCreateHash) {
      const createId = createEventIdOf(event.roomId)
      return isRejected(createId) ? undefined : fetch(createId)
    }
    const eventId = state.get(type, stateKey)
    return (eventId && fetch(eventId)) ?? cited(type, stateKey)
  }
}
