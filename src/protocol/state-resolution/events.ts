import type { CheckedEvent, EventId } from '../event.ts'

/** Gives an event of the room, rejected or not, where it is known. */
export type FetchEvent = (eventId: EventId) => CheckedEvent | undefined

/** The auth event of an event that is of a type and has an empty state key. */
export function authEventOfType(event: CheckedEvent, type: string, fetch: FetchEvent): CheckedEvent | undefined {
  for (const eventId of event.authEvents) {
    const authEvent = fetch(eventId)
    if (authEvent?.type === type && authEvent.stateKey === '') return authEvent
  }
  return undefined
}

/**
 * The order of events where all else is equal: the lesser `origin_server_ts` first, then the lesser event id. Ids are
 * compared as the bytes they are, which is not how JavaScript orders strings beyond the basic plane.
 */
export function byTimeThenId(x: CheckedEvent, y: CheckedEvent): number {
  if (x.originServerTs !== y.originServerTs) return x.originServerTs < y.originServerTs ? -1 : 1
  return x.eventId === y.eventId ? 0 : Buffer.compare(Buffer.from(x.eventId), Buffer.from(y.eventId))
}
