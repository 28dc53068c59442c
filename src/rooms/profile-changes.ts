/** https://spec.matrix.org/v1.19/client-server-api/#events-on-change-of-profile-information */
import type { UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { MatrixError } from '../core/errors.ts'
import { Limiter } from '../core/limiter.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'
import { type ProfileSource, shownProfile } from './membership/member-content.ts'
import type { EventSender, Sending } from './send.ts'
import type { RoomStates } from './state.ts'

const ROOMS_AT_ONCE = 20
/** What of a member event belongs to one change of membership only. */
const OF_ONE_CHANGE = [
  'reason',
  'is_direct',
  'third_party_invite',
  'join_authorised_via_users_server',
  'displayname',
  'avatar_url',
]

export interface ProfileChangesParts {
  names: Names
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  profileFields: ProfileSource
}

export class ProfileChanges {
  readonly #parts: ProfileChangesParts
  readonly #limiter = new Limiter(ROOMS_AT_ONCE)

  constructor(parts: ProfileChangesParts) {
    this.#parts = parts
  }

  /** Shows a changed field of a user's profile in all rooms that the user is in. */
  async propagate(userId: UserId, field: string): Promise<void> {
    if (field !== 'displayname' && field !== 'avatar_url') return
    const { names, memberships, rooms, profileFields } = this.#parts
    const userNid = await names.find(userId)
    if (userNid === undefined) return
    const profile = await shownProfile(profileFields, userId)
    const joined = [...(await memberships.ofUser(userNid)).values()].filter(({ membership }) => membership === 'join')
    const shown = joined.map(({ roomNid }) =>
      this.#limiter.run(async () => this.#show(await rooms.get(roomNid), userId, profile)),
    )
    for (const outcome of await Promise.allSettled(shown)) {
      // A room that refuses the change keeps the old one; the profile has changed none the less.
      if (outcome.status === 'rejected' && !(outcome.reason instanceof MatrixError)) throw outcome.reason
    }
  }

  async #show(room: Room, userId: UserId, profile: JsonObject): Promise<void> {
    const sending = await this.#parts.heads.locked(room.roomId, () => this.#begin(room, userId, profile))
    await sending?.finish()
  }

  async #begin(room: Room, userId: UserId, profile: JsonObject): Promise<Sending | undefined> {
    const { heads, states, sender } = this.#parts
    const current = await states.content((await heads.get(room)).stateRoot, 'm.room.member', userId)
    if (current['membership'] !== 'join') return undefined
    const kept = Object.entries(current).filter(([key]) => !OF_ONE_CHANGE.includes(key))
    const content = { ...Object.fromEntries(kept), ...profile }
    return sender.begin(room, { sender: userId, type: 'm.room.member', stateKey: userId, content })
  }
}
