import type { UserId } from '../../../schemas/ids.ts'
import { type EndOfStay, endOfLastStay, type LastStayParts } from '../../rooms/last-stay.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'

/** How a user came to be what they are to a room. */
export interface Standing {
  readonly event: StoredEvent
  /** What ended the last stay of theirs, if there was one: they may see the room up to there. */
  readonly stay: EndOfStay | undefined
  /** Somebody else did it. */
  readonly byOthers: boolean
}

/** Looks up the events behind memberships other than `join`, once for each. */
export class RoomStandings {
  readonly #parts: LastStayParts
  readonly #known = new WeakMap<MembershipRecord, Promise<Standing>>()

  constructor(parts: LastStayParts) {
    this.#parts = parts
  }

  of(record: MembershipRecord): Promise<Standing> {
    const known = this.#known.get(record)
    if (known) return known
    const standing = this.#load(record)
    this.#known.set(record, standing)
    standing.catch(() => this.#known.delete(record))
    return standing
  }

  async #load(record: MembershipRecord): Promise<Standing> {
    const event = await this.#parts.events.get(record.eventNid)
    const stay = await endOfLastStay(this.#parts, event.stateKey as UserId, record)
    return { event, stay, byOthers: event.senderNid !== record.userNid }
  }
}
