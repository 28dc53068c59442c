import type { EventId } from '../../schemas/ids.ts'
import { objectAt, stringAt } from '../../schemas/json.ts'
import type { Events } from '../storage/events.ts'
import type { StoredEvent } from '../storage/stored-event.ts'

/** The thread of all events that are in no other one, in receipts and counts. */
export const MAIN = 'main'

/** Implementations should not recurse infinitely: a maximum of 3 hops is recommended. */
const MAX_HOPS = 3

/**
 * The thread that an event is in: its root's event id, or `main`. An event is in a thread where it has a `rel_type` of
 * `m.thread`, or where following its relations leads to one that has.
 * https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export async function threadOf(event: StoredEvent, events: Events): Promise<string> {
  let current: StoredEvent | undefined = event
  for (let hops = 0; current && hops <= MAX_HOPS; hops++) {
    const relation = objectAt(current.content, 'm.relates_to')
    const type = relation && stringAt(relation, 'rel_type')
    const parent = relation && stringAt(relation, 'event_id')
    if (type === undefined || parent === undefined) return MAIN
    if (type === 'm.thread') return parent
    current = await events.byId(parent as EventId)
  }
  return MAIN
}
