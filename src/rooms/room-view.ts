import type { RoomId, UserId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import { forbidden } from '../core/errors.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import { knownRoom } from './policy.ts'
import type { StateAtPosition } from './state-at-position.ts'
import type { RoomStates } from './state.ts'
import type { Viewer, Visibility } from './visibility.ts'

/** What somebody sees of a room. */
export interface RoomView {
  readonly room: Room
  /** Root of the state that they see: what holds now, or what held when they left. */
  readonly stateRoot: number
  /** They see no event after this stream position. */
  readonly upTo: number
  readonly isJoined: boolean
}

export interface RoomViewsParts {
  db: Database
  rooms: Rooms
  events: Events
  memberships: Memberships
  timelines: Timelines
  states: RoomStates
  stateAtPosition: StateAtPosition
  visibility: Visibility
}

/** How often somebody may have been banned or invited since they were in the room. */
const MAX_STEPS = 20

export class RoomViews {
  readonly #parts: RoomViewsParts

  constructor(parts: RoomViewsParts) {
    this.#parts = parts
  }

  /**
   * What a user sees of a room: members all of it as it is now, as does anybody where the room is world-readable; those who
   * were in it, what it was when they left. Only what is committed.
   * @throws {MatrixError} M_FORBIDDEN for all others
   */
  async of(viewer: Viewer, roomId: RoomId): Promise<RoomView> {
    const { db, rooms, memberships, stateAtPosition, visibility } = this.#parts
    const room = await knownRoom(rooms, roomId)
    const record = await memberships.get(room.nid, viewer.userNid)
    const upTo = db.position
    const stateRoot = await stateAtPosition.root(room.nid, upTo)
    if (record?.membership === 'join') return { room, stateRoot, upTo, isJoined: true }
    if (stateRoot !== 0 && (await visibility.isWorldReadable(stateRoot))) return { room, stateRoot, upTo, isJoined: false }
    const past = await this.#lastStay(room, viewer.userId, record)
    if (!past) throw forbidden(`You are not in the room ${roomId}`)
    return past
  }

  /** As `of`, for what only members may ask. */
  async ofMember(viewer: Viewer, roomId: RoomId): Promise<RoomView> {
    const view = await this.of(viewer, roomId)
    if (!view.isJoined) throw forbidden(`You are not joined to the room ${roomId}`)
    return view
  }

  /**
   * The room as it was when the user's last stay ended; undefined where they never were in it, have forgotten it, or are
   * banned: those are kept out altogether.
   */
  async #lastStay(room: Room, userId: UserId, record: MembershipRecord | undefined): Promise<RoomView | undefined> {
    if (record?.membership !== 'leave' || record.forgotten) return undefined
    const { events, timelines } = this.#parts
    let event: StoredEvent | undefined = await events.get(record.eventNid)
    for (let step = 0; event && step < MAX_STEPS; step++) {
      const before: StoredEvent | undefined = await this.#parts.states.get(event.stateBefore, 'm.room.member', userId)
      if (before && stringAt(before.content, 'membership') === 'join') {
        const upTo = await timelines.positionOf(room.nid, event.nid)
        return upTo === undefined ? undefined : { room, stateRoot: event.stateAfter, upTo, isJoined: false }
      }
      event = before
    }
    return undefined
  }
}
