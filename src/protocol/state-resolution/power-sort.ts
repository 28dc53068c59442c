import { stringAt } from '../../../schemas/json.ts'
import { createEventIdOf } from '../event-auth/index.ts'
import type { CheckedEvent, EventId } from '../event.ts'
import { powerLevelsFrom } from '../power-levels.ts'
import { authEventOfType, byTimeThenId, type FetchEvent } from './events.ts'
import { Heap } from '../../core/heap.ts'

/**
 * Power events: a state event with type m.room.power_levels or m.room.join_rules, or a state event with type
 * m.room.member where the membership is leave or ban and the sender does not match the state_key.
 */
export function isPowerEvent(event: CheckedEvent): boolean {
  if (event.stateKey === undefined) return false
  if (event.type === 'm.room.power_levels' || event.type === 'm.room.join_rules') return true
  if (event.type !== 'm.room.member' || event.sender === event.stateKey) return false
  const membership = stringAt(event.content, 'membership')
  return membership === 'leave' || membership === 'ban'
}

/**
 * Step 1 of the algorithm: the power events of the full conflicted set and what is in their auth chains of that set,
 * in the reverse topological power ordering.
 *
 * Chains are followed inside the set only, as all servers do whose source could be read. In version 12 it makes no
 * difference: the conflicted subgraph closes the gaps. See docs/adr/0005-state-resolution.md.
 */
export function sortPowerEvents(fullConflictedSet: ReadonlyMap<EventId, CheckedEvent>, fetch: FetchEvent): CheckedEvent[] {
  const graph = new Map<CheckedEvent, CheckedEvent[]>()
  const stack = [...fullConflictedSet.values()].filter(isPowerEvent)
  for (let event = stack.pop(); event !== undefined; event = stack.pop()) {
    if (graph.has(event)) continue
    const basis = event.authEvents.flatMap((eventId) => fullConflictedSet.get(eventId) ?? [])
    graph.set(event, basis)
    stack.push(...basis)
  }
  const level = senderLevels(fetch)
  return topologicalOrder(graph, (x, y) => {
    const difference = compareLevels(level(x), level(y))
    return difference === 0 ? byTimeThenId(x, y) : difference
  })
}

/** The greater level first; both may be infinite. */
function compareLevels(x: number, y: number): number {
  return x === y ? 0 : x > y ? -1 : 1
}

/** The level of an event's sender by the event's own auth events, looked up once an event. */
function senderLevels(fetch: FetchEvent): (event: CheckedEvent) => number {
  const known = new Map<CheckedEvent, number>()
  return (event) => {
    let level = known.get(event)
    if (level === undefined) {
      const power = authEventOfType(event, 'm.room.power_levels', fetch)
      level = powerLevelsFrom(power, createEventOf(event, fetch), event.rules).of(event.sender)
      known.set(event, level)
    }
    return level
  }
}

/** The create event of an event's room: named by its room id since version 12, among its auth events before. */
function createEventOf(event: CheckedEvent, fetch: FetchEvent): CheckedEvent | undefined {
  if (event.rules.roomIdIsCreateHash) return fetch(createEventIdOf(event.roomId))
  return event.type === 'm.room.create' ? event : authEventOfType(event, 'm.room.create', fetch)
}

/**
 * Kahn's algorithm: of the events whose basis has been put in order, the smallest comes next.
 * @param graph every event with those of its auth events that are in the graph themselves
 */
export function topologicalOrder(
  graph: ReadonlyMap<CheckedEvent, readonly CheckedEvent[]>,
  compare: (x: CheckedEvent, y: CheckedEvent) => number,
): CheckedEvent[] {
  const citedBy = new Map<CheckedEvent, CheckedEvent[]>()
  const waitsFor = new Map<CheckedEvent, number>()
  const ready = new Heap(compare)
  for (const [event, authEvents] of graph) {
    const basis = new Set(authEvents)
    waitsFor.set(event, basis.size)
    if (basis.size === 0) ready.push(event)
    for (const authEvent of basis) {
      const citing = citedBy.get(authEvent)
      if (citing === undefined) citedBy.set(authEvent, [event])
      else citing.push(event)
    }
  }
  const order: CheckedEvent[] = []
  for (let event = ready.pop(); event !== undefined; event = ready.pop()) {
    order.push(event)
    for (const citing of citedBy.get(event) ?? []) {
      const left = (waitsFor.get(citing) ?? 0) - 1
      waitsFor.set(citing, left)
      if (left === 0) ready.push(citing)
    }
  }
  return order
}
