/** MSC2815. https://github.com/matrix-org/matrix-spec-proposals/pull/2815 */
import type { EventId, RoomId } from '../../schemas/ids.ts'
import { unredactedNotReceived } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import { hasItsContent } from '../protocol/event-format.ts'
import type { Events } from '../storage/events.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomHeads } from './heads.ts'
import type { History } from './history.ts'
import { assertMayReadRedacted } from './policy.ts'
import type { RoomStates } from './state.ts'

export interface UnredactedEventsParts {
  events: Events
  heads: RoomHeads
  states: RoomStates
  history: Pick<History, 'event'>
}

/** Redacted events for those who moderate: what was redacted stays in the database. */
export class UnredactedEvents {
  readonly #parts: UnredactedEventsParts

  constructor(parts: UnredactedEventsParts) {
    this.#parts = parts
  }

  /**
   * An event whose content the requester may read even though it is redacted.
   * @throws {MatrixError} M_NOT_FOUND, M_FORBIDDEN, or the proposal's own error where it came here redacted
   */
  async get(requester: Requester, roomId: RoomId, eventId: EventId): Promise<StoredEvent> {
    const { events, heads, states, history } = this.#parts
    const event = await history.event(requester, roomId, eventId)
    const { stateRoot } = await heads.get(event.room)
    assertMayReadRedacted(requester, await states.powerLevels(stateRoot, event.room))
    if (!hasItsContent((await events.pdu(event.nid)).pdu)) throw unredactedNotReceived()
    return event
  }
}
