import { parseJson } from '../core/json-text.ts'
import type { EventId } from '../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../schemas/json.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Requester } from '../core/requester.ts'
import type { AccountDataTable } from '../storage/account-data.ts'
import type { Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'
import { assertJoined } from './policy.ts'
import type { Receipts } from './receipts.ts'

const FULLY_READ = 'm.fully_read'

export interface ReadMarkersParts {
  db: Database
  memberships: Memberships
  accountData: AccountDataTable
  receipts: Receipts
}

/** Fully read markers. https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers */
export class ReadMarkers {
  readonly #parts: ReadMarkersParts
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: ReadMarkersParts) {
    this.#parts = parts
  }

  /**
   * Moves a user's marker to an event, unless it is after that event already and may not move back.
   * @throws {MatrixError} M_FORBIDDEN for one who is not in the room, M_NOT_FOUND for an event that is not in it
   */
  async set(requester: Requester, room: Room, eventId: EventId, mayMoveBack = false): Promise<void> {
    const { db, memberships, accountData, receipts } = this.#parts
    const { userNid } = requester
    await assertJoined(memberships, room, userNid)
    await receipts.eventIn(room, eventId)
    await this.#queue.run(userNid, async () => {
      if (!mayMoveBack && !(await this.#isAhead(userNid, room, eventId))) return
      await db.write((batch) => accountData.set(batch, userNid, room.nid, FULLY_READ, JSON.stringify({ event_id: eventId })))
    })
  }

  async #isAhead(userNid: number, room: Room, eventId: EventId): Promise<boolean> {
    const entry = await this.#parts.accountData.get(userNid, room.nid, FULLY_READ)
    const current = entry && stringAt(parseJson(entry.content) as JsonObject, 'event_id')
    if (current === undefined) return true
    const { receipts } = this.#parts
    const [old, next] = await Promise.all([receipts.positionOf(room, current as EventId), receipts.positionOf(room, eventId)])
    return old === undefined || next === undefined || next > old
  }
}
