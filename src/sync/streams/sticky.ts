/** Sticky events, MSC4354. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
import type { Clock } from '../../core/clock.ts'
import { isHeard } from '../../rooms/visibility.ts'
import type { Events } from '../../storage/events.ts'
import type { StickyEventsTable, ToldStickyEvent } from '../../storage/sticky-events.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { EventTexts } from '../event-texts.ts'
import type { SyncTurn } from '../request.ts'

export interface StickyStreamParts {
  clock: Clock
  events: Events
  stickyEventsTable: StickyEventsTable
  texts: EventTexts
}

/** What of a room is sticky: members are told it however long the timeline is, and whatever their history visibility. */
export class StickyStream {
  readonly #parts: StickyStreamParts

  constructor(parts: StickyStreamParts) {
    this.#parts = parts
  }

  /** The rooms of which there may be something to tell. */
  rooms(): ReadonlySet<number> {
    return this.#parts.stickyEventsTable.roomsWithSome(this.#parts.clock.now())
  }

  /** What became sticky with `after < position <= upTo` and still is, in order. */
  async between(roomNid: number, after: number, upTo: number): Promise<ToldStickyEvent[]> {
    const { stickyEventsTable, clock } = this.#parts
    const now = clock.now()
    return stickyEventsTable.mayHave(roomNid, now, after) ? stickyEventsTable.since(roomNid, after, upTo, now) : []
  }

  /** The events themselves, but those that were redacted, and what comes from users whom the reader ignores. */
  async events(told: readonly ToldStickyEvent[], { ignored }: Pick<SyncTurn, 'ignored'>): Promise<StoredEvent[]> {
    const stored = await this.#parts.events.byNids(told.map(({ nid }) => nid))
    return [...stored.values()].filter((event) => event.stickyMs !== undefined && isHeard(event, ignored))
  }

  /**
   * What a section of `/sync` tells, as the members of a JSON array: nothing that its timeline tells already.
   * @param isNew the reader has just come into the room: then all that is sticky is news
   */
  async news(turn: SyncTurn, roomNid: number, isNew: boolean, timeline: readonly StoredEvent[]): Promise<string> {
    const entries = await this.between(roomNid, isNew ? 0 : (turn.since ?? 0), turn.upTo)
    if (entries.length === 0) return ''
    const shown = new Set(timeline.map(({ nid }) => nid))
    const rest = entries.filter(({ nid }) => !shown.has(nid))
    return this.#parts.texts.of(await this.events(rest, turn), turn.reader, turn.filter)
  }
}
