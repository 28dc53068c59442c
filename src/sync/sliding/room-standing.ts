import { stringAt } from '../../../schemas/json.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Events } from '../../storage/events.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'

/** How a user came to be what they are to a room. */
export interface Standing {
  readonly event: StoredEvent
  /** They were joined before: they may see the room up to there. */
  readonly wasJoined: boolean
  /** Somebody else did it. */
  readonly byOthers: boolean
}

/** Looks up the events behind memberships other than `join`, once for each. */
export class RoomStandings {
  readonly #parts: { events: Events; states: RoomStates }
  readonly #known = new WeakMap<MembershipRecord, Promise<Standing>>()

  constructor(parts: { events: Events; states: RoomStates }) {
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
    const { events, states } = this.#parts
    const event = await events.get(record.eventNid)
    const before = await states.content(event.stateBefore, 'm.room.member', event.stateKey)
    return { event, wasJoined: stringAt(before, 'membership') === 'join', byOthers: event.senderNid !== record.userNid }
  }
}
