import { createHash } from 'node:crypto'
import { authorise } from '../event-auth/index.ts'
import type { CheckedEvent, EventId, StateLookup } from '../event.ts'
import { parseStateMapKey, stateMapKey } from '../state-map.ts'
import type { FetchEvent } from './events.ts'
import type { Conflicts, Resolution } from './conflicts.ts'

/** The order in which conflicts that affect authorisation are resolved; all other types come last, together. */
const PASSES = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member']

/**
 * State resolution of room version 1. Unlike later, an event that a state lacks is in no conflict.
 * @returns what to add to the unconflicted state
 */
export function* resolveV1({ unconflicted, conflicted }: Conflicts, fetch: FetchEvent): Resolution {
  const resolved = new Map<string, EventId>()
  const conflicts: Conflict[] = []
  for (const [key, eventIds] of conflicted) {
    const [first] = eventIds
    if (eventIds.size === 1 && first !== undefined) resolved.set(key, first)
    else conflicts.push({ key, type: parseStateMapKey(key).type, events: byDepthThenHash(eventIds, fetch) })
  }
  const stateEvent = (key: string): CheckedEvent | undefined => {
    const eventId = resolved.get(key) ?? unconflicted.get(key)
    return eventId && fetch(eventId)
  }
  const settle = (concerned: Conflict[], choose: Choose) => enter(resolved, concerned, stateEvent, choose)
  const others = conflicts.filter(({ type }) => !PASSES.includes(type))
  for (const pass of PASSES) {
    const concerned = conflicts.filter(({ type }) => type === pass)
    yield* settle(concerned, lastOfAllowed)
  }
  yield* settle(others, deepestAllowed)
  return resolved
}

/** The events that states have in one place, in ascending depth, then descending SHA-1 of the event id. */
interface Conflict {
  readonly key: string
  readonly type: string
  readonly events: readonly CheckedEvent[]
}

function byDepthThenHash(eventIds: ReadonlySet<EventId>, fetch: FetchEvent): CheckedEvent[] {
  const events: { event: CheckedEvent; hash: string }[] = []
  for (const eventId of eventIds) {
    const event = fetch(eventId)
    if (event !== undefined) events.push({ event, hash: createHash('sha1').update(eventId).digest('hex') })
  }
  events.sort((x, y) => x.event.depth - y.event.depth || (x.hash < y.hash ? 1 : -1))
  return events.map(({ event }) => event)
}

type Choose = (
  events: readonly CheckedEvent[],
  lookup: (replacement: CheckedEvent | undefined) => StateLookup,
) => CheckedEvent | undefined

/** Chooses for a number of conflicts, each by itself, in the state before the first of them, then enters the outcomes. */
function* enter(
  resolved: Map<string, EventId>,
  conflicts: Conflict[],
  stateEvent: (key: string) => CheckedEvent | undefined,
  choose: Choose,
): Generator<void, void> {
  const chosen: [string, CheckedEvent | undefined][] = []
  for (const { key, events } of conflicts) {
    yield
    const lookup =
      (replacement: CheckedEvent | undefined): StateLookup =>
      (type, stateKey) => {
        const wanted = stateMapKey(type, stateKey)
        return wanted === key && replacement !== undefined ? replacement : stateEvent(wanted)
      }
    chosen.push([key, choose(events, lookup)])
  }
  for (const [key, event] of chosen) if (event !== undefined) resolved.set(key, event.eventId)
}

/** Takes the first of the list, then each one that is allowed where the one before it holds, until one is not. */
const lastOfAllowed: Choose = (events, lookup) => {
  let [current] = events
  for (const event of events.slice(1)) {
    if (!authorise(event, lookup(current)).allowed) break
    current = event
  }
  return current
}

/** Picks the event with the highest depth and lowest SHA-1 that is allowed. */
const deepestAllowed: Choose = (events, lookup) => events.findLast((event) => authorise(event, lookup(undefined)).allowed)
