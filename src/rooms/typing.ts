import type { UserId } from '../../schemas/ids.ts'
import type { Requester } from '../core/requester.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'
import type { TypingUsers } from '../streams/typing.ts'
import type { EduSender } from './edus.ts'
import { assertJoined } from './policy.ts'

/** How long somebody types who has not said for how long. */
const DEFAULT_TIMEOUT_MS = 30_000
const MAX_TIMEOUT_MS = 120_000

export interface TypingParts {
  memberships: Memberships
  typing: TypingUsers
  edus: EduSender
}

/** Typing notifications. https://spec.matrix.org/v1.19/client-server-api/#typing-notifications */
export class Typing {
  readonly #parts: TypingParts

  constructor(parts: TypingParts) {
    this.#parts = parts
  }

  /** One of our users has started, or has stopped, to type. @throws {MatrixError} M_FORBIDDEN for one who is not in the room */
  async set(requester: Requester, room: Room, isTyping: boolean, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const { memberships, edus } = this.#parts
    await assertJoined(memberships, room, requester.userNid)
    await this.#apply(room, requester.userId, isTyping, Math.min(timeoutMs, MAX_TIMEOUT_MS))
    edus.send(room, 'm.typing', { room_id: room.roomId, user_id: requester.userId, typing: isTyping })
  }

  /** A user of another server, who is in the room, has started or has stopped. */
  async receive(room: Room, userId: UserId, isTyping: boolean): Promise<void> {
    await this.#apply(room, userId, isTyping, DEFAULT_TIMEOUT_MS)
  }

  #apply(room: Room, userId: UserId, isTyping: boolean, timeoutMs: number): Promise<void> {
    const { typing } = this.#parts
    return isTyping ? typing.start(room.nid, userId, timeoutMs) : typing.stop(room.nid, userId)
  }
}
