import type { RoomId, UserId } from '../../schemas/ids.ts'
import { forbidden } from '../core/errors.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { Timelines } from '../storage/timelines.ts'
import { endOfLastStay } from './last-stay.ts'
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
    const { rooms, memberships } = this.#parts
    const room = await knownRoom(rooms, roomId)
    const record = await memberships.get(room.nid, viewer.userNid)
    const view = (await this.#present(room, record)) ?? (await this.#lastStay(room, viewer.userId, record))
    if (!view) throw forbidden(`You are not in the room ${roomId}`)
    return view
  }

  /** As `of`, for what nobody knows how it was before: those who have left may not ask. */
  async ofPresent(viewer: Viewer, roomId: RoomId): Promise<RoomView> {
    const { rooms, memberships } = this.#parts
    const room = await knownRoom(rooms, roomId)
    const view = await this.#present(room, await memberships.get(room.nid, viewer.userNid))
    if (!view) throw forbidden(`You are not in the room ${roomId}`)
    return view
  }

  /** As `of`, for what only members may ask. */
  async ofMember(viewer: Viewer, roomId: RoomId): Promise<RoomView> {
    const view = await this.of(viewer, roomId)
    if (!view.isJoined) throw forbidden(`You are not joined to the room ${roomId}`)
    return view
  }

  /** The room as it is now, for those who may see that. */
  async #present(room: Room, record: MembershipRecord | undefined): Promise<RoomView | undefined> {
    const { db, stateAtPosition, visibility } = this.#parts
    const upTo = db.position
    const stateRoot = await stateAtPosition.root(room.nid, upTo)
    if (record?.membership === 'join') return { room, stateRoot, upTo, isJoined: true }
    const isOpen = stateRoot !== 0 && (await visibility.isWorldReadable(stateRoot))
    return isOpen ? { room, stateRoot, upTo, isJoined: false } : undefined
  }

  /**
   * The room as it was when the user's last stay ended; undefined where they never were in it, have forgotten it, or are
   * banned: those are kept out altogether.
   */
  async #lastStay(room: Room, userId: UserId, record: MembershipRecord | undefined): Promise<RoomView | undefined> {
    if (!record || record.membership === 'ban' || record.forgotten) return undefined
    const end = await endOfLastStay(this.#parts, userId, record)
    return end && { room, stateRoot: end.event.stateAfter, upTo: end.position, isJoined: false }
  }
}
