/** https://spec.matrix.org/v1.19/client-server-api/#guest-access */
import { type ServerName, serverOf } from '../../schemas/ids.ts'
import { MatrixError } from '../core/errors.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'
import type { EventSender } from './send.ts'
import type { RoomStates } from './state.ts'

export interface GuestAccessParts {
  serverName: ServerName
  accounts: Accounts
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
}

export class GuestAccess {
  readonly #parts: GuestAccessParts

  constructor(parts: GuestAccessParts) {
    this.#parts = parts
  }

  /** Servers MUST only allow guests to join where `m.room.guest_access` is present and says `can_join`. */
  async isOpen(stateRoot: number): Promise<boolean> {
    return (await this.#parts.states.content(stateRoot, 'm.room.guest_access'))['guest_access'] === 'can_join'
  }

  /** As `apply`, for a room that may have been closed to guests since its state had the root `before`. */
  async applySince(room: Room, before: number): Promise<void> {
    if ((await this.#parts.heads.get(room)).stateRoot === before || !(await this.isOpen(before))) return
    await this.apply(room)
  }

  /** If the event is changed to stop this from being the case, our guests have to leave. To be called when it has changed. */
  async apply(room: Room): Promise<void> {
    const { heads, memberships, accounts, sender, serverName } = this.#parts
    if (await this.isOpen((await heads.get(room)).stateRoot)) return
    const { joined } = await memberships.members(room.nid)
    for (const [userNid, userId] of joined) {
      if (serverOf(userId) !== serverName || (await accounts.get(userNid))?.kind !== 'guest') continue
      const content = { membership: 'leave', reason: 'The room is closed to guests' }
      // A policy server that does not let one go must not keep the others.
      await sender.send(room, { sender: userId, type: 'm.room.member', stateKey: userId, content }).catch((cause: unknown) => {
        if (!(cause instanceof MatrixError)) throw cause
      })
    }
  }
}
