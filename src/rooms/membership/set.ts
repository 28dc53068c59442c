/** Membership as a client sets it by hand, in the content of an `m.room.member`: the same rules as on the paths of their own. */
import { type EventId, isUserId, type UserId } from '../../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../../schemas/json.ts'
import { badJson, forbidden } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import type { Room } from '../../storage/rooms.ts'
import type { RoomHeads } from '../heads.ts'
import type { RoomStates } from '../state.ts'
import type { Bans } from './ban.ts'
import type { Invites } from './invite.ts'
import type { Joins } from './join.ts'
import type { Kicks } from './kick.ts'
import type { Knocks } from './knock.ts'
import type { Departures } from './leave.ts'

export interface MembershipSettingParts {
  heads: RoomHeads
  states: RoomStates
  invites: Invites
  joins: Joins
  departures: Departures
  kicks: Kicks
  bans: Bans
  knocks: Knocks
}

export class MembershipSetting {
  readonly #parts: MembershipSettingParts

  constructor(parts: MembershipSettingParts) {
    this.#parts = parts
  }

  /** Sets a user's membership of a room. Throws M_BAD_JSON for what is none, M_FORBIDDEN. */
  async set(requester: Requester, room: Room, stateKey: string, content: JsonObject): Promise<EventId> {
    const { membership: _membership, ...given } = content
    const membership = stringAt(content, 'membership')
    if (!isUserId(stateKey)) throw badJson('The state key of a member event must be a user ID')
    const { invites, bans } = this.#parts
    if (membership === 'invite') return invites.invite(requester, room.roomId, stateKey, given)
    if (membership === 'ban') return bans.ban(requester, room.roomId, stateKey, given)
    if (membership === 'leave') return this.#leave(requester, room, stateKey, given)
    if (membership !== 'join' && membership !== 'knock') throw badJson('There is no such membership')
    if (stateKey !== requester.userId) throw forbidden('Nobody can be made to join or knock by somebody else')
    if (membership === 'knock') return this.#parts.knocks.knock(requester, room.roomId, [], given)
    return this.#parts.joins.join(requester, room.roomId, { given })
  }

  async #leave(requester: Requester, room: Room, target: UserId, given: JsonObject): Promise<EventId> {
    const { heads, states, departures, kicks, bans } = this.#parts
    if (target === requester.userId) return departures.leave(requester, room.roomId, given)
    const isBanned = (await states.membership((await heads.get(room)).stateRoot, target)) === 'ban'
    return isBanned ? bans.unban(requester, room.roomId, target, given) : kicks.kick(requester, room.roomId, target, given)
  }
}
