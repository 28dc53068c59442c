import type { EventId, RoomId } from '../../schemas/ids.ts'
import { RecentCache } from '../core/recent-cache.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Batch } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import { MAX_PREV_EVENTS } from './ends.ts'

const CACHED_HEADS = 5_000

/** An event that no other event of its room cites yet. */
export interface ForwardExtremity {
  readonly nid: number
  readonly eventId: EventId
  readonly depth: number
  /** Root of the state after it. */
  readonly stateAfter: number
}

/** Where a room ends for now: what the next event builds on. */
export interface RoomHead {
  readonly extremities: readonly ForwardExtremity[]
  /** Root of the current state: the resolved state after all extremities. */
  readonly stateRoot: number
}

export function extremityOf({ nid, eventId, head, stateAfter }: StoredEvent): ForwardExtremity {
  return { nid, eventId, depth: head.depth, stateAfter }
}

const NOTHING: RoomHead = { extremities: [], stateRoot: 0 }

/**
 * The heads of rooms and the locks that guard them. A head runs ahead of the database: it is that of the last event that is
 * queued to be written, so that the next one need not wait for the disk (docs/adr/0003).
 */
export class RoomHeads {
  readonly #rooms: Rooms
  readonly #events: Events
  readonly #heads = new RecentCache<number, RoomHead>(CACHED_HEADS)
  /** Heads whose event is not durable yet must not be read back from the database. */
  readonly #queued = new Map<number, RoomHead>()
  /** Of the rooms in use, those with more ends than our events cite. */
  readonly #crowded = new Map<number, Room>()
  readonly #locks = new KeyedQueue<RoomId>()

  constructor(rooms: Rooms, events: Events) {
    this.#rooms = rooms
    this.#events = events
  }

  /** Runs `task` as the only one that works on the room's end. It must not wait for its writes to become durable. */
  locked<T>(roomId: RoomId, task: () => Promise<T>): Promise<T> {
    return this.#locks.run(roomId, task)
  }

  async get(room: Room): Promise<RoomHead> {
    return this.#queued.get(room.nid) ?? this.#heads.get(room.nid) ?? this.#load(room)
  }

  /** Takes notice of the crowded rooms that nobody has used since the start. */
  async findCrowded(): Promise<void> {
    for (const room of await this.#rooms.crowded(MAX_PREV_EVENTS)) await this.get(room)
  }

  /** The rooms in use that have more ends than our events cite. */
  crowded(): Room[] {
    return [...this.#crowded.values()]
  }

  isCrowded(room: Room): boolean {
    return this.#crowded.has(room.nid)
  }

  /** Queues a new head; the room's next event builds on it from now on. Only under the room's lock. */
  advance(batch: Batch, room: Room, head: RoomHead): void {
    this.#rooms.setHead(
      batch,
      room.nid,
      head.extremities.map(({ nid }) => nid),
      head.stateRoot,
    )
    this.#queued.set(room.nid, head)
    batch.onSettled((committed) => {
      if (this.#queued.get(room.nid) === head) this.#queued.delete(room.nid)
      if (committed) this.#keep(room, head)
      else this.#drop(room.nid)
    })
  }

  #keep(room: Room, head: RoomHead): void {
    this.#heads.set(room.nid, head)
    if (head.extremities.length > MAX_PREV_EVENTS) this.#crowded.set(room.nid, room)
    else this.#crowded.delete(room.nid)
  }

  /** A write has failed: all that was built on it fails with it, and the next event starts from what is on disk. */
  #drop(roomNid: number): void {
    this.#queued.delete(roomNid)
    this.#heads.delete(roomNid)
  }

  async #load(room: Room): Promise<RoomHead> {
    const stored = await this.#rooms.head(room.nid)
    if (stored.extremities === undefined) return NOTHING
    const events = await this.#events.byNids(stored.extremities)
    const head = {
      extremities: [...events.values()].map(extremityOf),
      stateRoot: stored.stateRoot,
    }
    this.#keep(room, head)
    return head
  }
}
