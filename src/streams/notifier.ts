import type { Clock } from '../core/clock.ts'
import { limitExceeded } from '../core/errors.ts'
import type { Ending } from '../core/ending.ts'
import type { Announcement, Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import { StreamIndex } from '../storage/stream-index.ts'
import { Follower, type Waiting } from './follower.ts'

/** For a request that is refused because too many of its user wait. */
const RETRY_AFTER_MS = 10_000
/** A user who has not asked for so long is no longer followed. */
const FORGET_AFTER_MS = 600_000

export interface NotifierParts {
  db: Database
  memberships: Memberships
  clock: Clock
}

/**
 * Knows who waits for what. A wake-up carries a position, never data: who wakes reads what is new.
 *
 * Users who sync are kept in an index by the rooms that they are joined to, which follows their memberships: a poll costs
 * nothing that grows with its rooms, and a commit costs its rooms' active users, not their members and not all who wait.
 */
export class Notifier {
  readonly #parts: NotifierParts
  /** The one who has not asked for the longest time comes first. */
  readonly #followers = new Map<number, Follower>()
  readonly #byRoom = new Map<number, Set<Follower>>()
  readonly #rooms: StreamIndex<number>
  /** Stands for those who look into rooms that they are not in. */
  readonly #onlooker: Follower
  #latest: { readonly since: number; readonly upTo: number }

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.#rooms = new StreamIndex(parts.db.position)
    this.#onlooker = new Follower(0, parts.db.position, Infinity)
    this.#latest = { since: parts.db.position, upTo: parts.db.position }
    parts.db.onCommit((announcement) => this.#announce(announcement))
  }

  /** What was announced last: changes with `since < position <= upTo`. */
  get latest(): { readonly since: number; readonly upTo: number } {
    return this.#latest
  }

  /** How many users are followed. */
  get size(): number {
    return this.#followers.size
  }

  /** How many of them wait for something. */
  get waiting(): number {
    let waiting = 0
    for (const follower of this.#followers.values()) if (follower.isWaiting) waiting++
    return waiting
  }

  /** False where it is certain that nothing has changed in the room after `position`. */
  mayRoomHaveChanged(roomNid: number, position: number): boolean {
    return this.#rooms.mayHaveChanged(roomNid, position)
  }

  /** The user's rooms in which something has changed after `position`; undefined where it may be any of them, or their own membership. */
  roomsSince(userNid: number, position: number): ReadonlySet<number> | undefined {
    const follower = this.#followers.get(userNid)
    return follower && follower.touchedAt <= position ? follower.roomsSince(position) : undefined
  }

  /** Follows a user from now on, as one who syncs. */
  async follow(userNid: number): Promise<Follower> {
    const follower = this.#followers.get(userNid) ?? (await this.#begin(userNid))
    follower.seenAt = this.#parts.clock.now()
    this.#followers.delete(userNid)
    this.#followers.set(userNid, follower)
    this.#retireIdle(follower.seenAt)
    return follower
  }

  /**
   * Resolves as soon as something that concerns the user has changed after `position`, after `timeoutMs`, or at the `ending`.
   * Rejects with M_LIMIT_EXCEEDED where too many newer requests of the user wait.
   */
  wait(follower: Follower, position: number, timeoutMs: number, ending: Ending): Promise<void> {
    if (follower.changedAt > position || timeoutMs <= 0 || ending.isOver) return Promise.resolve()
    return new Promise((resolve, reject) => {
      follower.add(new Wait({ follower, ending, resolve, reject }, this.#parts.clock, timeoutMs))
    })
  }

  /** As `wait`, for whatever has changed: for one who looks into a room from outside. */
  waitForAny(position: number, timeoutMs: number, ending: Ending): Promise<void> {
    return this.wait(this.#onlooker, position, timeoutMs, ending)
  }

  async #begin(userNid: number): Promise<Follower> {
    const records = await this.#parts.memberships.ofUser(userNid)
    const meanwhile = this.#followers.get(userNid)
    if (meanwhile) return meanwhile
    const follower = new Follower(userNid, this.#parts.db.position)
    // Before anybody else who begins looks for those who have not asked for long.
    follower.seenAt = this.#parts.clock.now()
    this.#followers.set(userNid, follower)
    for (const { roomNid, membership } of records.values()) if (membership === 'join') this.#add(roomNid, follower)
    return follower
  }

  #announce({ rooms, users, position }: Announcement): void {
    const concerned: Follower[] = []
    this.#latest = { since: this.#latest.upTo, upTo: position }
    this.#onlooker.noteUser(position)
    if (this.#onlooker.isWaiting) concerned.push(this.#onlooker)
    for (const roomNid of rooms) {
      this.#rooms.set(roomNid, position)
      this.#byRoom.get(roomNid)?.forEach((follower) => {
        follower.noteRoom(roomNid, position)
        if (follower.isWaiting) concerned.push(follower)
      })
    }
    for (const userNid of users) {
      const follower = this.#followers.get(userNid)
      if (!follower) continue
      follower.noteUser(position)
      if (rooms.size > 0) void this.#followMemberships(follower, rooms)
      if (follower.isWaiting) concerned.push(follower)
    }
    // Only of several rooms and users may some be the same.
    const woken = rooms.size + users.size > 1 ? new Set(concerned) : concerned
    for (const follower of woken) follower.wake()
  }

  /** The user's memberships of some of these rooms may have changed. */
  async #followMemberships(follower: Follower, rooms: ReadonlySet<number>): Promise<void> {
    const records = await this.#parts.memberships.ofUser(follower.userNid)
    if (follower.retired) return
    for (const roomNid of rooms) {
      if (records.get(roomNid)?.membership === 'join') this.#add(roomNid, follower)
      else this.#remove(roomNid, follower)
    }
  }

  #retireIdle(now: number): void {
    for (const follower of this.#followers.values()) {
      if (now - follower.seenAt < FORGET_AFTER_MS || follower.isWaiting) return
      this.#followers.delete(follower.userNid)
      follower.retired = true
      void this.#leaveRooms(follower)
    }
  }

  async #leaveRooms(follower: Follower): Promise<void> {
    const records = await this.#parts.memberships.ofUser(follower.userNid)
    for (const roomNid of records.keys()) this.#remove(roomNid, follower)
  }

  #add(roomNid: number, follower: Follower): void {
    const followers = this.#byRoom.get(roomNid)
    if (followers) followers.add(follower)
    else this.#byRoom.set(roomNid, new Set([follower]))
  }

  #remove(roomNid: number, follower: Follower): void {
    const followers = this.#byRoom.get(roomNid)
    if (!followers?.delete(follower) || followers.size > 0) return
    this.#byRoom.delete(roomNid)
  }
}

interface WaitParts {
  readonly follower: Follower
  readonly ending: Ending
  readonly resolve: () => void
  readonly reject: (cause: Error) => void
}

/** A request that waits. There are thousands of them: what each keeps is counted in bytes. */
class Wait implements Waiting {
  readonly #parts: WaitParts
  readonly #cancelTimer: () => void

  constructor(parts: WaitParts, clock: Clock, timeoutMs: number) {
    this.#parts = parts
    const wake = () => this.wake()
    this.#cancelTimer = clock.after(timeoutMs, wake)
    parts.ending.listen(wake)
  }

  wake(): void {
    this.#stop()
    this.#parts.resolve()
  }

  refuse(): void {
    this.#stop()
    this.#parts.reject(limitExceeded(RETRY_AFTER_MS, 'waiting requests'))
  }

  #stop(): void {
    this.#parts.follower.remove(this)
    this.#parts.ending.forget()
    this.#cancelTimer()
  }
}
