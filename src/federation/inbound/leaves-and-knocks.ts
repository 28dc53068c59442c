/** https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites and #knocking-rooms, seen from the room. */
import type { RoomId, ServerName, UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import type { Pdu } from '../../protocol/event.ts'
import type { RoomAccess } from './access.ts'
import { assertKnownVersion, assertOwnUser, type Handshakes, type Submission } from './handshakes.ts'
import type { SentEvent } from './joins.ts'
import type { ServedEvents } from './served-events.ts'

export interface LeavesAndKnocksParts {
  access: RoomAccess
  handshakes: Handshakes
  served: ServedEvents
}

export class LeavesAndKnocks {
  readonly #parts: LeavesAndKnocksParts

  constructor(parts: LeavesAndKnocksParts) {
    this.#parts = parts
  }

  /** Answers make_leave. Throws M_FORBIDDEN, also where there is nothing to leave, and M_NOT_FOUND. */
  async leaveTemplate(origin: ServerName, roomId: RoomId, userId: UserId): Promise<{ room_version: string; event: JsonObject }> {
    assertOwnUser(origin, userId)
    const room = await this.#parts.access.room(origin, roomId)
    const event = await this.#parts.handshakes.template(room, userId, { membership: 'leave' })
    return { room_version: room.rules.version, event }
  }

  /** Answers make_knock. Throws M_FORBIDDEN, M_NOT_FOUND, M_INCOMPATIBLE_ROOM_VERSION. */
  async knockTemplate(
    origin: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<{ room_version: string; event: JsonObject }> {
    assertOwnUser(origin, userId)
    const room = await this.#parts.access.room(origin, roomId)
    assertKnownVersion(room, versions)
    const event = await this.#parts.handshakes.template(room, userId, { membership: 'knock' })
    return { room_version: room.rules.version, event }
  }

  /** Takes in a leave of a member, or of somebody who was invited or knocked. */
  async leave(origin: ServerName, sent: SentEvent): Promise<void> {
    const submission = await this.#submission(origin, sent)
    await this.#parts.handshakes.accept(submission, this.#parts.handshakes.read(submission, 'leave').pdu)
  }

  /** Takes in a knock; gives what the one who knocks may know of the room. */
  async knock(origin: ServerName, sent: SentEvent): Promise<Pdu[]> {
    const submission = await this.#submission(origin, sent)
    const { handshakes, served } = this.#parts
    const { stored } = await handshakes.accept(submission, handshakes.read(submission, 'knock').pdu)
    return served.strippedState(stored.stateBefore)
  }

  async #submission(origin: ServerName, { roomId, eventId, pdu }: SentEvent): Promise<Submission> {
    return { origin, room: await this.#parts.access.room(origin, roomId), eventId, pdu }
  }
}
