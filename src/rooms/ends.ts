/** Where a room ends once an event has been added to it. */
import type { Event, EventId } from '../protocol/event.ts'
import { eventIdBytes } from '../storage/event-ids.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import { Standing } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { ForwardExtremity, RoomHead } from './heads.ts'

/** An event that says nothing and only brings ends together; other servers know this type as such, too. */
export const DUMMY_EVENT = 'org.matrix.dummy_event'
/** Our events cite so many others at most; a room with more ends is crowded. */
export const MAX_PREV_EVENTS = 10
/** So many hidden events are looked behind; further ones leave an end too many, which the next event takes away. */
const MAX_HIDDEN = 1_000

export interface EndsParts {
  readonly events: Events
  readonly timelines: Timelines
}

/** The ends of the room that stay ends beside a new event, `nid`: those that it is not built on. */
export async function endsBeside(parts: EndsParts, head: RoomHead, event: Event, nid: number): Promise<ForwardExtremity[]> {
  const others = head.extremities.filter((end) => !event.prevEvents.includes(end.eventId) && end.nid !== nid)
  if (others.length === 0) return others
  const behind = await behindHidden(parts, event.prevEvents)
  return others.filter((end) => !behind.has(end.eventId))
}

/**
 * What events are built on through soft-failed and rejected ones: these were never ends themselves, so what they cite still
 * counts as an end when somebody who does show them goes on from them.
 */
async function behindHidden({ events }: EndsParts, from: readonly EventId[]): Promise<Set<EventId>> {
  const behind = new Set<EventId>()
  let seen = 0
  for (let frontier = new Set(from); frontier.size > 0 && seen < MAX_HIDDEN; ) {
    const stored = [...(await events.byIds(frontier)).values()]
    const hidden = stored.filter((event) => event.isRejected || event.standing === Standing.softFailed)
    const next = new Set<EventId>()
    for (const { prevEvents } of (await events.pdus(hidden.map(({ nid }) => nid))).values())
      for (const eventId of prevEvents) if (!behind.has(eventId)) next.add(eventId)
    for (const eventId of next) behind.add(eventId)
    seen += hidden.length
    frontier = next
  }
  return behind
}

/** Whether an event that comes late has been built on already, by an event that was taken in without it. */
export function isBuiltOn({ timelines }: EndsParts, room: Room, { eventId }: Event): Promise<boolean> {
  return timelines.isMissing(room.nid, eventIdBytes(eventId))
}
