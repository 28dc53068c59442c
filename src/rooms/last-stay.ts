import type { UserId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { RoomStates } from './state.ts'

/** How often somebody may have been banned, invited or knocking since they were in the room. */
const MAX_STEPS = 20

export interface LastStayParts {
  events: Events
  states: RoomStates
  timelines: Timelines
}

export interface EndOfStay {
  readonly event: StoredEvent
  /** Where it is in the room's timeline. */
  readonly position: number
}

/** A stay in a room that is over. */
export interface PastStay {
  /** What the user was to the room at its end. */
  readonly record: MembershipRecord
  readonly end: number
}

/** The last stay of a user in a room that they are not in any more; undefined where they never were in it. */
export async function lastStay(parts: LastStayParts, userId: UserId, record: MembershipRecord): Promise<PastStay | undefined> {
  const end = await endOfLastStay(parts, userId, record)
  const last = end && (await memberBefore(parts, end.event, userId))
  const first = last && (await firstOfStay(parts, last, userId))
  const began = first && (await parts.timelines.positionOf(record.roomNid, first.nid))
  if (!end || !last || began === undefined) return undefined
  return { record: { ...record, membership: 'join', eventNid: last.nid, position: began, began }, end: end.position }
}

/** The event with which a member came, who may have changed name or avatar since. */
async function firstOfStay(parts: LastStayParts, event: StoredEvent, userId: UserId): Promise<StoredEvent> {
  let first = event
  for (let step = 0; step < MAX_STEPS; step++) {
    const before = await memberBefore(parts, first, userId)
    if (!before || !isJoin(before)) return first
    first = before
  }
  return first
}

const memberBefore = ({ states }: LastStayParts, { stateBefore }: StoredEvent, userId: UserId) =>
  states.get(stateBefore, 'm.room.member', userId)

const isJoin = ({ content }: StoredEvent): boolean => stringAt(content, 'membership') === 'join'

/** What ended the last stay of a user in a room that they are not in any more; undefined where they never were in it. */
export async function endOfLastStay(
  parts: LastStayParts,
  userId: UserId,
  { roomNid, eventNid }: MembershipRecord,
): Promise<EndOfStay | undefined> {
  let event: StoredEvent | undefined = await parts.events.get(eventNid)
  for (let step = 0; event && step < MAX_STEPS; step++) {
    const before: StoredEvent | undefined = await memberBefore(parts, event, userId)
    if (before && isJoin(before)) {
      const position = await parts.timelines.positionOf(roomNid, event.nid)
      return position === undefined ? undefined : { event, position }
    }
    event = before
  }
  return undefined
}
