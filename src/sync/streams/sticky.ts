/** Sticky events, MSC4354. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
import type { Clock } from '../../core/clock.ts'
import type { Events } from '../../storage/events.ts'
import type { StickyEventsTable } from '../../storage/sticky-events.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { EventTexts } from '../event-texts.ts'
import type { SyncTurn } from '../request.ts'

export interface StickyStreamParts {
  clock: Clock
  events: Events
  stickyEventsTable: StickyEventsTable
  texts: EventTexts
}

/** A sticky event with the position from which clients are told of it. */
export interface PlacedEvent {
  readonly event: StoredEvent
  readonly position: number
}

/** What of a room is sticky: members are told it however long the timeline is, and whatever their history visibility. */
export class StickyStream {
  readonly #parts: StickyStreamParts

  constructor(parts: StickyStreamParts) {
    this.#parts = parts
  }

  /** Whether there may be something to tell of a room at all. */
  mayHave(roomNid: number): boolean {
    return this.#parts.stickyEventsTable.mayHave(roomNid, this.#parts.clock.now())
  }

  /** The rooms of which there may be something to tell. */
  rooms(): ReadonlySet<number> {
    return this.#parts.stickyEventsTable.roomsWithSome(this.#parts.clock.now())
  }

  /** What became sticky with `after < position <= upTo` and still is, in order, but what comes from users whom the reader ignores. */
  async between(roomNid: number, after: number, { upTo, ignored }: Pick<SyncTurn, 'upTo' | 'ignored'>): Promise<PlacedEvent[]> {
    const { stickyEventsTable, events, clock } = this.#parts
    const entries = await stickyEventsTable.since(roomNid, after, upTo, clock.now())
    const stored = await events.byNids(entries.map(({ nid }) => nid))
    return entries.flatMap(({ nid, position }) => {
      const event = stored.get(nid)
      // Servers must still send state events sent by ignored users to clients.
      const isTold = event?.stickyMs !== undefined && (event.isState || !ignored.has(event.sender))
      return isTold ? [{ event, position }] : []
    })
  }

  /**
   * What a section of `/sync` tells, as the members of a JSON array: nothing that its timeline tells already.
   * @param isNew the reader has just come into the room: then all that is sticky is news
   */
  async news(turn: SyncTurn, roomNid: number, isNew: boolean, timeline: readonly StoredEvent[]): Promise<string> {
    if (!this.mayHave(roomNid)) return ''
    const placed = await this.between(roomNid, isNew ? 0 : (turn.since ?? 0), turn)
    const told = new Set(timeline.map(({ nid }) => nid))
    const events = placed.map(({ event }) => event).filter(({ nid }) => !told.has(nid))
    return this.#parts.texts.of(events, turn.reader, turn.filter)
  }
}
