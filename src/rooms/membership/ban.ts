/** https://spec.matrix.org/v1.19/client-server-api/#banning-users-in-a-room */
import type { EventId, RoomId, UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { forbidden } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import { assertNotSuspended, ownRoom } from '../policy.ts'
import type { KicksParts } from './kick.ts'

export class Bans {
  readonly #parts: KicksParts

  constructor(parts: KicksParts) {
    this.#parts = parts
  }

  /** Bans a user, whether they are in the room or not. Throws M_FORBIDDEN. */
  async ban(requester: Requester, roomId: RoomId, target: UserId, given: JsonObject = {}): Promise<EventId> {
    assertNotSuspended(requester)
    return this.#set(requester, roomId, target, { ...given, membership: 'ban' })
  }

  /** Lifts a ban. Throws M_FORBIDDEN, also where there is none. */
  async unban(requester: Requester, roomId: RoomId, target: UserId, given: JsonObject = {}): Promise<EventId> {
    assertNotSuspended(requester)
    const { heads, states } = this.#parts
    const room = await ownRoom(this.#parts, roomId, requester.userNid)
    const membership = await states.membership((await heads.get(room)).stateRoot, target)
    if (membership !== 'ban') throw forbidden(`${target} is not banned from the room`)
    return this.#set(requester, roomId, target, { ...given, membership: 'leave' })
  }

  async #set(requester: Requester, roomId: RoomId, target: UserId, content: JsonObject): Promise<EventId> {
    const room = await ownRoom(this.#parts, roomId, requester.userNid)
    return (await this.#parts.sender.send(room, { sender: requester.userId, type: 'm.room.member', stateKey: target, content }))
      .eventId
  }
}
