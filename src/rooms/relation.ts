import { type EventId, isEventId } from '../../schemas/ids.ts'
import { objectAt, stringAt } from '../../schemas/json.ts'
import type { Event } from '../protocol/event.ts'
import type { ChildSummaries } from '../storage/child-summaries.ts'
import type { Batch } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Relations } from '../storage/relations.ts'
import type { StoredEvent } from '../storage/stored-event.ts'

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

/** Notes what an event of a room's timeline relates to. */
export function relate(
  { relations }: { relations: Relations },
  batch: Batch,
  roomNid: number,
  event: Event,
  position: number,
  nid: number,
): void {
  const relation = relationOf(event)
  if (relation) relations.add(batch, roomNid, relation.target, position, nid, relation.relType)
}

/** Redacts an event, which loses its relation by that. */
export function redactRelated(
  { events, childSummaries }: { events: Events; childSummaries: ChildSummaries },
  batch: Batch,
  event: StoredEvent,
): void {
  events.markRedacted(batch, event.nid)
  const relation = relationOf(event)
  if (relation) childSummaries.shrink(batch, relation.target)
}
