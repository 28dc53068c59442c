import { type EventId, isEventId } from '../../schemas/ids.ts'
import { objectAt, stringAt } from '../../schemas/json.ts'
import type { Event } from '../protocol/event.ts'

const MAX_TYPE_LENGTH = 255

/** How an event relates to another one. */
export interface EventRelation {
  readonly relType: string
  readonly target: EventId
}

/**
 * The relation of an event by its `m.relates_to`; undefined where it has none, or one that does not match the schema: those
 * are simply ignored. https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events
 */
export function relationOf({ content }: Pick<Event, 'content'>): EventRelation | undefined {
  const relatesTo = objectAt(content, 'm.relates_to')
  const relType = relatesTo && stringAt(relatesTo, 'rel_type')
  const target = relatesTo && stringAt(relatesTo, 'event_id')
  if (relType === undefined || relType.length > MAX_TYPE_LENGTH || target === undefined || !isEventId(target)) return undefined
  return { relType, target }
}
