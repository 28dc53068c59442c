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

/** What ended the last stay of a user in a room that they are not in any more; undefined where they never were in it. */
export async function endOfLastStay(
  { events, states, timelines }: LastStayParts,
  userId: UserId,
  { roomNid, eventNid }: MembershipRecord,
): Promise<EndOfStay | undefined> {
  let event: StoredEvent | undefined = await events.get(eventNid)
  for (let step = 0; event && step < MAX_STEPS; step++) {
    const before: StoredEvent | undefined = await states.get(event.stateBefore, 'm.room.member', userId)
    if (before && stringAt(before.content, 'membership') === 'join') {
      const position = await timelines.positionOf(roomNid, event.nid)
      return position === undefined ? undefined : { event, position }
    }
    event = before
  }
  return undefined
}
