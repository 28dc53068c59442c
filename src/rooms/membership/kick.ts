/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick */
import type { EventId, RoomId, UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { forbidden } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { RoomHeads } from '../heads.ts'
import { assertNotSuspended, ownRoom } from '../policy.ts'
import type { EventSender } from '../send.ts'
import type { RoomStates } from '../state.ts'

export interface KicksParts {
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
}

export class Kicks {
  readonly #parts: KicksParts

  constructor(parts: KicksParts) {
    this.#parts = parts
  }

  /**
   * Makes a user leave who is joined, invited or knocking.
   * @param given further content of the member event: `reason`
   * @throws {MatrixError} M_FORBIDDEN, also where there is nobody to kick
   */
  async kick(requester: Requester, roomId: RoomId, target: UserId, given: JsonObject = {}): Promise<EventId> {
    assertNotSuspended(requester)
    const { heads, states, sender } = this.#parts
    const room = await ownRoom(this.#parts, roomId, requester.userNid)
    const membership = await states.membership((await heads.get(room)).stateRoot, target)
    if (membership === 'leave' || membership === 'ban') throw forbidden(`${target} is not in the room`)
    const content = { ...given, membership: 'leave' }
    const event = { sender: requester.userId, type: 'm.room.member', stateKey: target, content }
    return (await sender.send(room, event)).eventId
  }
}
