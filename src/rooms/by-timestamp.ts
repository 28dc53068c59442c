/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event */
import type { EventId, RoomId } from '../../schemas/ids.ts'
import { notFound } from '../core/errors.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { TimelineEntry, Timelines } from '../storage/timelines.ts'
import type { History } from './history.ts'
import type { FoundEvent, RemoteRooms } from './remote.ts'
import type { RoomView, RoomViews } from './room-view.ts'
import type { Viewer } from './visibility.ts'

const FIRST = Number.MIN_SAFE_INTEGER
/** So many events may have come earlier or later than their timestamps say. */
const SLACK = 20
/** History from elsewhere comes in pages; for one request no more of them are asked for. */
const PAGE = 100
const MAX_ROUNDS = 10

export interface EventsByTimestampParts {
  events: Events
  timelines: Timelines
  roomViews: RoomViews
  history: History
  remote: Pick<RemoteRooms, 'backfill' | 'eventNear'>
}

/** A room, and up to which position it is looked at. */
type Extent = Pick<RoomView, 'room' | 'upTo'>

export class EventsByTimestamp {
  readonly #parts: EventsByTimestampParts

  constructor(parts: EventsByTimestampParts) {
    this.#parts = parts
  }

  /**
   * The event closest to a timestamp, at it or in the direction from it. Timelines are in the order of arrival, which is
   * that of time but for disorder between servers: so the place is found by halving, and then looked at more closely.
   * @throws {MatrixError} M_FORBIDDEN, or M_NOT_FOUND where there is no such event
   */
  async nearest(viewer: Viewer, roomId: RoomId, timestamp: number, direction: 'f' | 'b'): Promise<FoundEvent> {
    const view = await this.#parts.roomViews.of(viewer, roomId)
    const own = await this.#nearestSeen(viewer, view, timestamp, direction)
    const hasMore = (await this.#mayBeMissing(view, own)) && (await this.#fetchUpTo(view, timestamp, direction, own))
    const nearest = hasMore ? await this.#nearestSeen(viewer, view, timestamp, direction) : own
    if (!nearest) throw notFound(`There is no event ${direction === 'f' ? 'after' : 'before'} that time`)
    return foundOf(nearest)
  }

  /** The same among the events of a room that are here, whoever may see them; undefined where there is none. */
  async nearestHere(room: Room, timestamp: number, direction: 'f' | 'b'): Promise<FoundEvent | undefined> {
    const { timelines, events } = this.#parts
    const upTo = (await timelines.last(room.nid)) ?? 0
    const start = await this.#startNear({ room, upTo }, timestamp, direction)
    const entries =
      direction === 'f'
        ? await timelines.forwards(room.nid, start, upTo, 2 * SLACK)
        : await timelines.backwards(room.nid, FIRST, start, 2 * SLACK)
    const near = [...(await events.byNids(entries.map(({ nid }) => nid))).values()]
    const found = near.find(({ head: { originServerTs: time } }) => (direction === 'f' ? time >= timestamp : time <= timestamp))
    return found && foundOf(found)
  }

  /** The same among the events that are here and that the viewer may see. */
  async #nearestSeen(viewer: Viewer, view: RoomView, timestamp: number, direction: 'f' | 'b'): Promise<StoredEvent | undefined> {
    const start = await this.#startNear(view, timestamp, direction)
    const isRight = ({ head }: StoredEvent) =>
      direction === 'f' ? head.originServerTs >= timestamp : head.originServerTs <= timestamp
    const request = { direction, from: start, limit: 1, choice: { passes: isRight } }
    return (await this.#parts.history.page(viewer, view.room.roomId, request)).events[0]
  }

  /** Where to start looking from: a little on the wrong side of the timestamp. */
  async #startNear(view: Extent, timestamp: number, direction: 'f' | 'b'): Promise<number> {
    const { timelines } = this.#parts
    const place = await this.#placeOf(view, timestamp)
    const near =
      direction === 'f'
        ? await timelines.backwards(view.room.nid, FIRST, place, SLACK)
        : await timelines.forwards(view.room.nid, place, view.upTo, SLACK)
    const farthest = near.at(-1)?.position ?? place
    return direction === 'f' ? farthest - 1 : farthest
  }

  /** The position of the last event that is not after the timestamp, if timestamps were in order. */
  async #placeOf({ room, upTo }: Extent, timestamp: number): Promise<number> {
    const { timelines } = this.#parts
    const [first] = await timelines.forwards(room.nid, FIRST, upTo, 1)
    if (!first) return upTo
    let low = first.position - 1
    let high = upTo
    while (low < high) {
      const middle = low + Math.ceil((high - low) / 2)
      const [entry] = await timelines.backwards(room.nid, low, middle, 1)
      if (!entry || (await this.#timeOf(entry)) <= timestamp) low = middle
      else high = entry.position - 1
    }
    return low
  }

  async #timeOf({ nid }: TimelineEntry): Promise<number> {
    return (await this.#parts.events.get(nid)).head.originServerTs
  }

  /** Whether others may know of a closer event: there are gaps, and ours is at the edge of what we have, or missing. */
  async #mayBeMissing({ room }: RoomView, found: StoredEvent | undefined): Promise<boolean> {
    const { timelines } = this.#parts
    if ((await timelines.missing(room.nid)).length === 0) return false
    const position = found && (await timelines.positionOf(room.nid, found.nid))
    return position === undefined || (await timelines.backwards(room.nid, FIRST, position - 1, 1)).length === 0
  }

  /**
   * Where others know of a closer event, has the history down to it brought here, as far as that goes: clients go on from it
   * with /context. Resolves to whether there is more here than before.
   */
  async #fetchUpTo({ room }: RoomView, timestamp: number, direction: 'f' | 'b', own: StoredEvent | undefined): Promise<boolean> {
    const { remote } = this.#parts
    const known = await remote.eventNear(room, timestamp, direction)
    const distance = (time: number) => Math.abs(time - timestamp)
    if (!known || (own && distance(own.head.originServerTs) <= distance(known.originServerTs))) return false
    let rounds = 0
    while (rounds < MAX_ROUNDS && !(await this.#isHere(room, known.eventId)) && (await remote.backfill(room, PAGE))) rounds++
    return rounds > 0
  }

  async #isHere(room: Room, eventId: EventId): Promise<boolean> {
    const { events, timelines } = this.#parts
    const nid = (await events.nids([eventId])).get(eventId)
    return nid !== undefined && (await timelines.positionOf(room.nid, nid)) !== undefined
  }
}

function foundOf({ eventId, head }: StoredEvent): FoundEvent {
  return { eventId, originServerTs: head.originServerTs }
}
