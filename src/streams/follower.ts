/** Something of a user's that waits for changes. */
export interface Waiting {
  wake(): void
  /** What can be refused is a request. */
  refuse?(): void
}

/** So many requests of one user wait at a time; of more, the one that has waited the longest is refused. */
const MAX_REQUESTS = 200
/** How many changes are kept for one user; a sync from before them looks at all of the user's rooms instead. */
const MAX_LOG = 256

/**
 * One user who syncs: what has changed for them lately, and which of their requests wait for more.
 * Positions come in order.
 */
export class Follower {
  readonly userNid: number
  /** The position of the last change that concerns the user, in a room or not. */
  changedAt: number
  /** The position of the last change that concerns the user beside those in their rooms: an invite, account data. */
  touchedAt: number
  /** No longer kept up to date. */
  retired = false
  /** When the user last asked, in milliseconds since the epoch. */
  seenAt = 0
  /** What has waited the longest comes first. */
  readonly #waiting = new Set<Waiting>()
  readonly #maxRequests: number
  #requests = 0
  /** Changed rooms and when they changed; a room may come more than once. */
  #rooms: number[] = []
  #positions: number[] = []
  /** The log holds the last change of every room that has changed after this position. */
  #floor: number
  /** The log holds every change after this position. */
  #wholeAfter: number

  constructor(userNid: number, position: number, maxRequests = MAX_REQUESTS) {
    this.userNid = userNid
    this.#maxRequests = maxRequests
    this.#floor = position
    this.#wholeAfter = position
    this.changedAt = position
    this.touchedAt = position
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** The user's rooms in which something has changed after `position`; undefined where that is not known any more. */
  roomsSince(position: number): Set<number> | undefined {
    if (position < this.#floor) return undefined
    const rooms = new Set<number>()
    for (let i = this.#positions.length - 1; i >= 0 && (this.#positions[i] ?? 0) > position; i--) rooms.add(this.#rooms[i] ?? 0)
    return rooms
  }

  /** The one room of the user's in which something has changed after `position`; undefined where there are more, or none, or it is not known. */
  onlyRoomSince(position: number): number | undefined {
    let last = this.#positions.length - 1
    if (position < this.#floor || (this.#positions[last] ?? 0) <= position) return undefined
    const room = this.#rooms[last]
    while ((this.#positions[--last] ?? 0) > position) if (this.#rooms[last] !== room) return undefined
    return room
  }

  /** Whether nothing has concerned the user with `after < position <= upTo`, nor anything beside rooms since; false where that is not known. */
  wasQuiet(after: number, upTo: number): boolean {
    if (this.touchedAt > after) return false
    if (after >= upTo) return true
    if (after < this.#wholeAfter) return false
    let last = this.#positions.length - 1
    while ((this.#positions[last] ?? 0) > upTo) last--
    return (this.#positions[last] ?? 0) <= after
  }

  noteRoom(roomNid: number, position: number): void {
    this.changedAt = position
    this.#rooms.push(roomNid)
    this.#positions.push(position)
    if (this.#rooms.length > MAX_LOG) this.#compact()
  }

  noteUser(position: number): void {
    this.changedAt = position
    this.touchedAt = position
  }

  /** Lets all that waits go on. */
  wake(): void {
    this.#waiting.forEach(wake)
  }

  /** Has `waiting` woken at every change, until it is removed. */
  add(waiting: Waiting): void {
    this.#waiting.add(waiting)
    if (waiting.refuse && ++this.#requests > this.#maxRequests) this.#refuseOne()
  }

  remove(waiting: Waiting): void {
    if (this.#waiting.delete(waiting) && waiting.refuse) this.#requests--
  }

  #refuseOne(): void {
    for (const waiting of this.#waiting) if (waiting.refuse) return waiting.refuse()
  }

  /** Keeps the last change of each room, and the later half of those where they are too many. */
  #compact(): void {
    const kept = new Map<number, number>()
    for (let i = this.#rooms.length - 1; i >= 0; i--) {
      const room = this.#rooms[i] ?? 0
      const position = this.#positions[i] ?? 0
      if (kept.has(room)) this.#wholeAfter = Math.max(this.#wholeAfter, position)
      else if (kept.size < MAX_LOG / 2) kept.set(room, position)
      else {
        this.#floor = position
        break
      }
    }
    this.#wholeAfter = Math.max(this.#wholeAfter, this.#floor)
    this.#rooms = [...kept.keys()].toReversed()
    this.#positions = [...kept.values()].toReversed()
  }
}

const wake = (waiting: Waiting): void => waiting.wake()
