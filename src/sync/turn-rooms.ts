import type { MembershipRecord } from '../storage/memberships.ts'
import type { Follower } from '../streams/follower.ts'
import type { Notifier } from '../streams/notifier.ts'
import type { TurnRooms } from './extension.ts'
import type { SyncRequest } from './request.ts'

interface Chosen {
  joined: Map<number, MembershipRecord>
  invited: MembershipRecord[]
  knocked: MembershipRecord[]
  left: MembershipRecord[]
}

/**
 * The rooms that a turn has to look at: all of them where the client knows nothing, else those in which something may have
 * changed. Synchronous, so that the memberships are those of the position that the turn is for.
 * @param extra rooms in which the user has changed something that only they see
 */
export function chooseRooms(
  { since, fullState, filter }: SyncRequest,
  records: ReadonlyMap<number, MembershipRecord>,
  follower: Follower,
  notifier: Notifier,
  extra: Iterable<number>,
): TurnRooms {
  const chosen: Chosen = { joined: new Map(), invited: [], knocked: [], left: [] }
  if (since === undefined) {
    for (const record of records.values()) add(chosen, record, filter.includeLeave && !record.forgotten)
  } else {
    // The memberships of the user have changed, or it is not known that they have not. A device is told of a room that was left
    // on another one even where it was forgotten there at once.
    if (follower.touchedAt > since) for (const record of records.values()) if (record.position > since) add(chosen, record, true)
    const rooms = fullState ? undefined : follower.roomsSince(since)
    for (const record of rooms ? recordsOf(records, rooms) : records.values()) {
      if (record.membership !== 'join') continue
      if (fullState || rooms || notifier.mayRoomHaveChanged(record.roomNid, since)) chosen.joined.set(record.roomNid, record)
    }
    for (const record of recordsOf(records, extra)) if (record.membership === 'join') chosen.joined.set(record.roomNid, record)
  }
  return { ...chosen, joined: [...chosen.joined.values()] }
}

/** The memberships of some rooms, as they are now. */
export function recordsOf(records: ReadonlyMap<number, MembershipRecord>, rooms: Iterable<number>): MembershipRecord[] {
  const found: MembershipRecord[] = []
  for (const roomNid of rooms) {
    const record = records.get(roomNid)
    if (record) found.push(record)
  }
  return found
}

function add(chosen: Chosen, record: MembershipRecord, withLeft: boolean): void {
  if (record.membership === 'join') chosen.joined.set(record.roomNid, record)
  else if (record.membership === 'invite') chosen.invited.push(record)
  else if (record.membership === 'knock') chosen.knocked.push(record)
  else if (withLeft) chosen.left.push(record)
}
