import { RecentCache } from '../../core/recent-cache.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { Timelines } from '../../storage/timelines.ts'
import type { Follower } from '../../streams/follower.ts'
import type { Notifier } from '../../streams/notifier.ts'

export interface RoomOrdersParts {
  timelines: Timelines
  notifier: Notifier
}

/** A user's rooms, the one with the newest event first. */
interface Order {
  readonly upTo: number
  /** The position of the last event, by room. */
  readonly activity: ReadonlyMap<number, number>
  readonly rooms: readonly MembershipRecord[]
}

/** Sorts the rooms of users by recent activity; what has not changed since the last time is not looked at again. */
export class RoomOrders {
  readonly #parts: RoomOrdersParts
  readonly #orders = new RecentCache<number, Order>(10_000)

  constructor(parts: RoomOrdersParts) {
    this.#parts = parts
  }

  /** All rooms of the user, whatever they are to the user, as of `upTo`. */
  async of(
    follower: Follower,
    records: ReadonlyMap<number, MembershipRecord>,
    upTo: number,
  ): Promise<readonly MembershipRecord[]> {
    const before = this.#orders.get(follower.userNid)
    if (before && follower.changedAt <= before.upTo) return before.rooms
    const isActive = this.#activeSince(follower, before)
    const all = [...records.values()]
    const activity = new Map<number, number>()
    for (const record of all) {
      const known = isActive(record.roomNid) ? undefined : before?.activity.get(record.roomNid)
      activity.set(record.roomNid, known ?? (await this.#lastActivity(record)))
    }
    const rooms = all.sort((a, b) => (activity.get(b.roomNid) ?? 0) - (activity.get(a.roomNid) ?? 0))
    this.#orders.set(follower.userNid, { upTo, activity, rooms })
    return rooms
  }

  #activeSince(follower: Follower, before: Order | undefined): (roomNid: number) => boolean {
    // Memberships have changed as well: rooms that the user is not in are known by those.
    if (!before || follower.touchedAt > before.upTo) return () => true
    const active = follower.roomsSince(before.upTo)
    return (roomNid) => active?.has(roomNid) ?? this.#parts.notifier.mayRoomHaveChanged(roomNid, before.upTo)
  }

  /** Who is not in a room sees it as it was at that time. */
  async #lastActivity({ membership, roomNid, position }: MembershipRecord): Promise<number> {
    if (membership !== 'join') return position
    return Math.max((await this.#parts.timelines.last(roomNid)) ?? position, 0)
  }
}
