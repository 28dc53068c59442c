import { SharedResults } from '../core/shared-results.ts'
import type { Event } from '../protocol/event.ts'
import { PushSubject } from '../protocol/push-rules.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomStates } from './state.ts'

export interface PushSubjectsParts {
  memberships: Memberships
  states: RoomStates
}

/** Events as push rules look at them: once an event, for all of its readers. */
export class PushSubjects {
  readonly #parts: PushSubjectsParts
  readonly #subjects = new SharedResults<StoredEvent, PushSubject>({
    max: 2_000,
    maxWeight: 8_000_000,
    weightOf: (_, event) => event.weight,
  })

  constructor(parts: PushSubjectsParts) {
    this.#parts = parts
  }

  of(event: StoredEvent): Promise<PushSubject> {
    return this.#subjects.get(event, () => this.#make(event))
  }

  async #make(event: StoredEvent): Promise<PushSubject> {
    const { memberships, states } = this.#parts
    const { joined } = await memberships.members(event.room.nid)
    const levels = await states.powerLevels(event.stateBefore, event.room)
    return new PushSubject(eventOf(event), joined.size, levels)
  }
}

/** What conditions may ask for is what clients see of an event; its PDU need not be put together again for that. */
function eventOf(event: StoredEvent): Event {
  const { type, sender, content, stateKey } = event
  const { originServerTs, depth } = event.head
  const pdu = {
    type,
    sender,
    content,
    origin_server_ts: originServerTs,
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
  }
  return {
    eventId: event.eventId,
    roomId: event.room.roomId,
    type,
    stateKey,
    sender,
    content,
    originServerTs,
    depth,
    prevEvents: [],
    authEvents: [],
    redacts: undefined,
    rules: event.room.rules,
    pdu,
  }
}
