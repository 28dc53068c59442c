/** Who is in rooms, and what their state says. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers */
import type { RoomId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import { notFound } from '../core/errors.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomViews } from './room-view.ts'
import type { StateAtPosition } from './state-at-position.ts'
import type { RoomStates } from './state.ts'
import type { Viewer } from './visibility.ts'

export interface RoomContentsParts {
  rooms: Rooms
  memberships: Memberships
  states: RoomStates
  stateAtPosition: StateAtPosition
  roomViews: RoomViews
}

export interface MemberChoice {
  /** A stream position; without it, what the viewer sees now. */
  readonly at?: number | undefined
  readonly membership?: string | undefined
  readonly notMembership?: string | undefined
}

/** What a room shows of a member. */
export interface MemberProfile {
  readonly displayName: string | null
  readonly avatarUrl: string | null
}

/** The state of rooms as their readers see it. All methods throw M_FORBIDDEN for rooms that the viewer may not look into. */
export class RoomContents {
  readonly #parts: RoomContentsParts

  constructor(parts: RoomContentsParts) {
    this.#parts = parts
  }

  async state(viewer: Viewer, roomId: RoomId): Promise<StoredEvent[]> {
    const { states, roomViews } = this.#parts
    return states.all((await roomViews.of(viewer, roomId)).stateRoot)
  }

  /** One piece of state. Throws M_NOT_FOUND where the room has none of that type and key. */
  async stateEvent(viewer: Viewer, roomId: RoomId, type: string, stateKey: string): Promise<StoredEvent> {
    const { states, roomViews } = this.#parts
    const event = await states.get((await roomViews.of(viewer, roomId)).stateRoot, type, stateKey)
    if (!event) throw notFound(`The room has no ${type} with the state key ${JSON.stringify(stateKey)}`)
    return event
  }

  async members(viewer: Viewer, roomId: RoomId, { at, membership, notMembership }: MemberChoice): Promise<StoredEvent[]> {
    const { states, stateAtPosition, roomViews } = this.#parts
    const view = await roomViews.of(viewer, roomId)
    const isPast = at !== undefined && at < view.upTo
    const root = isPast ? await stateAtPosition.root(view.room.nid, at) : view.stateRoot
    const members = await states.all(root, 'm.room.member')
    if (membership === undefined && notMembership === undefined) return members
    // Specified together, the two create an "or" condition.
    return members.filter(({ content }) => {
      const own = stringAt(content, 'membership')
      return own === membership || (notMembership !== undefined && own !== notMembership)
    })
  }

  /** The joined users, for those who are joined themselves. */
  async joinedMembers(viewer: Viewer, roomId: RoomId): Promise<Map<string, MemberProfile>> {
    const { states, memberships, roomViews } = this.#parts
    const { room, stateRoot } = await roomViews.ofMember(viewer, roomId)
    const { joined } = await memberships.members(room.nid)
    const keys = [...joined.values()].map((stateKey) => ({ type: 'm.room.member', stateKey }))
    const profiles = new Map<string, MemberProfile>()
    for (const { stateKey = '', content } of await states.many(stateRoot, keys)) {
      if (content['membership'] !== 'join') continue
      profiles.set(stateKey, {
        displayName: stringAt(content, 'displayname') ?? null,
        avatarUrl: stringAt(content, 'avatar_url') ?? null,
      })
    }
    return profiles
  }

  /** The rooms that a user is joined to. */
  async joinedRooms({ userNid }: Viewer): Promise<RoomId[]> {
    const { rooms, memberships } = this.#parts
    const joined: RoomId[] = []
    for (const { roomNid, membership } of (await memberships.ofUser(userNid)).values())
      if (membership === 'join') joined.push((await rooms.get(roomNid)).roomId)
    return joined
  }
}
