import { type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import type { Worker } from '../core/worker.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'
import { DUMMY_EVENT } from './ends.ts'
import type { RoomHeads } from './heads.ts'
import type { EventSender } from './send.ts'
import type { RoomStates } from './state.ts'

const INTERVAL_MS = 20_000
/** So many of our users are tried; where none of them may send anything, others must bring the ends together. */
const MAX_SENDERS = 5
/** More would be needed for a room of 4,500 ends: the rest is for the next time. */
const MAX_EVENTS = 500

export interface CrowdedRoomsParts {
  serverName: ServerName
  clock: Clock
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
}

/**
 * Brings together the ends of rooms that have many, by events that say nothing and that no client is shown: in a room in
 * which none of our users speaks nobody else would, and with every end the current state costs more to find out.
 */
export class CrowdedRooms implements Worker {
  readonly name = 'crowded rooms'
  readonly #parts: CrowdedRoomsParts

  constructor(parts: CrowdedRoomsParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, heads } = this.#parts
    await clock.sleep(INTERVAL_MS, signal)
    await heads.findCrowded()
    while (!signal.aborted) {
      await this.bringTogether()
      await clock.sleep(INTERVAL_MS, signal)
    }
  }

  /** One round through all rooms that are crowded now. */
  async bringTogether(): Promise<void> {
    for (const room of this.#parts.heads.crowded()) {
      const senders = await this.#senders(room)
      for (let sent = 0; sent < MAX_EVENTS && this.#parts.heads.isCrowded(room); sent++)
        if (!(await this.#sendDummy(room, senders))) break
    }
  }

  /** Whether one of the users might send it; those before that one need not be tried again. */
  async #sendDummy(room: Room, senders: UserId[]): Promise<boolean> {
    for (let [sender] = senders; sender !== undefined; [sender] = senders) {
      try {
        await this.#parts.sender.send(room, { sender, type: DUMMY_EVENT, content: {} })
        return true
      } catch (cause) {
        if (!(cause instanceof MatrixError)) throw cause
        senders.shift()
      }
    }
    return false
  }

  /** Those of our users in the room who have the most power. */
  async #senders(room: Room): Promise<UserId[]> {
    const { serverName, memberships, heads, states } = this.#parts
    const { joined } = await memberships.members(room.nid)
    const levels = await states.powerLevels((await heads.get(room)).stateRoot, room)
    const ours = [...joined.values()].filter((userId) => serverOf(userId) === serverName)
    return ours.sort((a, b) => (levels.of(a) === levels.of(b) ? 0 : levels.of(b) > levels.of(a) ? 1 : -1)).slice(0, MAX_SENDERS)
  }
}
