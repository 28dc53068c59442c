/** https://spec.matrix.org/v1.19/client-server-api/#account-deactivation */
import type { UserId } from '../../schemas/ids.ts'
import { MatrixError } from '../core/errors.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { Departures } from './membership/leave.ts'

export interface RoomDeactivationParts {
  names: Names
  rooms: Rooms
  memberships: Memberships
  departures: Departures
}

export class RoomDeactivation {
  readonly #parts: RoomDeactivationParts

  constructor(parts: RoomDeactivationParts) {
    this.#parts = parts
  }

  /** Leaves all rooms of a user whose account is closed, and rejects their invites. Can be done again where it was cut short. */
  async leaveAll(userId: UserId): Promise<void> {
    const { names, rooms, memberships, departures } = this.#parts
    const userNid = await names.find(userId)
    if (userNid === undefined) return
    for (const { roomNid, membership } of (await memberships.ofUser(userNid)).values()) {
      if (membership === 'leave' || membership === 'ban') continue
      const { roomId } = await rooms.get(roomNid)
      // A room that does not let the user go must not keep them in the others.
      await departures.leave({ userId, userNid }, roomId).catch((cause: unknown) => {
        if (!(cause instanceof MatrixError)) throw cause
      })
    }
  }
}
