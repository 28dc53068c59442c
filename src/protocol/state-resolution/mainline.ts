import type { CheckedEvent, EventId } from '../event.ts'
import { authEventOfType, byTimeThenId, type FetchEvent } from './events.ts'

/**
 * The mainline ordering of events, based on a power levels event (P0), or on none.
 * The mainline of P0 is P0, the power levels event among its auth events, and so on.
 */
export function mainlineOrder(
  events: readonly CheckedEvent[],
  power: CheckedEvent | undefined,
  fetch: FetchEvent,
): CheckedEvent[] {
  const positions = mainlinePositions(power, fetch)
  const placed = events.map((event) => ({ event, position: positionOf(event, positions, fetch) }))
  placed.sort((x, y) => {
    // The greater position is based on an earlier event of the mainline, and comes first.
    if (x.position !== y.position) return x.position > y.position ? -1 : 1
    return byTimeThenId(x.event, y.event)
  })
  return placed.map(({ event }) => event)
}

function mainlinePositions(power: CheckedEvent | undefined, fetch: FetchEvent): Map<EventId, number> {
  const positions = new Map<EventId, number>()
  for (let event = power; event !== undefined && !positions.has(event.eventId); event = powerBefore(event, fetch)) {
    positions.set(event.eventId, positions.size)
  }
  return positions
}

/**
 * The position of the first power levels event that is in the mainline, going back from an event (which itself does
 * not count); infinity where there is none. The way back is remembered in `positions` for the events to come.
 */
function positionOf(event: CheckedEvent, positions: Map<EventId, number>, fetch: FetchEvent): number {
  const passed: EventId[] = []
  let power = powerBefore(event, fetch)
  while (power !== undefined && !positions.has(power.eventId)) {
    positions.set(power.eventId, Number.POSITIVE_INFINITY)
    passed.push(power.eventId)
    power = powerBefore(power, fetch)
  }
  const position = (power && positions.get(power.eventId)) ?? Number.POSITIVE_INFINITY
  for (const before of passed) positions.set(before, position)
  return position
}

const powerBefore = (event: CheckedEvent, fetch: FetchEvent): CheckedEvent | undefined =>
  authEventOfType(event, 'm.room.power_levels', fetch)
