import { SharedResults } from '../core/shared-results.ts'
import type { StateAtPosition } from '../rooms/state-at-position.ts'
import type { RoomStates } from '../rooms/state.ts'
import { isHeard, type Visibility } from '../rooms/visibility.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateMaps } from '../storage/state.ts'
import { type StoredEvent, weightOf } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { SyncTurn } from './request.ts'
import type { RoomState, RoomStateReader, StateWish } from './room-state.ts'
import { type Choose, EVERYTHING, loadTimeline, type Timeline } from './streams/timeline.ts'

export interface SectionContentsParts {
  events: Events
  maps: StateMaps
  timelines: Timelines
  states: RoomStates
  stateAtPosition: StateAtPosition
  visibility: Visibility
  roomState: RoomStateReader
}

/** The events of a room's section: its timeline, and the state beside it. */
export interface SectionContent {
  readonly timeline: Timeline
  readonly state: RoomState
  /** Root of the state at the end of the timeline. */
  readonly endRoot: number
  /** Nids of all who sent one of the events. */
  readonly senders: ReadonlySet<number>
  /** Every member sees all of these events, and the same of them, but for those who sent one. */
  readonly isForAll: boolean
}

/** What of a room a reader gets. */
export interface ContentWish {
  readonly room: Room
  /** The position at which the room ends for the reader. */
  readonly upTo: number
  /** Undefined where the client knows nothing of the room: it gets the last events, whatever they are. */
  readonly after: number | undefined
  /** The whole state, and not only what has changed. */
  readonly wholeState: boolean
}

/**
 * Finds the events of rooms for readers. What members who were there all the time get of new events is found once for all of
 * them, in which most of the work of a busy room is shared.
 */
export class SectionContents {
  readonly #parts: SectionContentsParts
  readonly #shared = new SharedResults<string, SectionContent>({
    max: 2_000,
    maxWeight: 32_000_000,
    weightOf: ({ timeline, state }) => weightOf(timeline.events) + weightOf(state.events),
  })
  readonly #sharedHistory = new SharedResults<number, boolean>(5_000)

  constructor(parts: SectionContentsParts) {
    this.#parts = parts
  }

  /** What has happened in a room since the turn's token, for a reader who was joined to it all that time; undefined for nothing. */
  async news(turn: SyncTurn, room: Room, since: number): Promise<SectionContent | undefined> {
    const { timelines } = this.#parts
    const { filter, upTo } = turn
    const entries = await timelines.backwards(room.nid, since, upTo, filter.timelineLimit + 1)
    const newest = entries[0]
    const oldest = entries.at(-1)
    const wish = { room, upTo, after: since, wholeState: false }
    if (!newest || !oldest) return this.#resolved(turn, wish)
    // Where all that is new fits in, it is the same for everybody, whenever they last asked.
    const from = entries.length > filter.timelineLimit ? `since ${since}` : oldest.position
    const key = `${filter.id} ${turn.stateMember} ${room.nid} ${from} ${newest.position}`
    const shared = await this.#shared.get(key, () => this.#loadShared(turn, wish))
    return shared.isForAll && !holdsIgnored(turn, shared) ? shared : this.of(turn, wish)
  }

  /** Any other content: checked against the reader's own view of the room. */
  async of(turn: SyncTurn, wish: ContentWish): Promise<SectionContent> {
    const endRoot = await this.#parts.stateAtPosition.root(wish.room.nid, wish.upTo)
    return this.#load(turn, wish, endRoot, (events) => this.#chooseFor(turn, endRoot, events))
  }

  /** A room without a new event may still have changed its state, by what state resolution made of late events. */
  async #resolved(turn: SyncTurn, wish: ContentWish): Promise<SectionContent | undefined> {
    const { stateAtPosition } = this.#parts
    const endRoot = await stateAtPosition.root(wish.room.nid, wish.upTo)
    return (await stateAtPosition.root(wish.room.nid, wish.after ?? 0)) === endRoot ? undefined : this.of(turn, wish)
  }

  async #loadShared(turn: SyncTurn, wish: ContentWish): Promise<SectionContent> {
    const endRoot = await this.#parts.stateAtPosition.root(wish.room.nid, wish.upTo)
    const content = await this.#load(turn, wish, endRoot, (events) =>
      events.filter((event) => turn.filter.timeline.passes(event)),
    )
    return { ...content, isForAll: await this.#areForAll(content.timeline.events) }
  }

  async #load(turn: SyncTurn, wish: ContentWish, endRoot: number, choose: Choose): Promise<SectionContent> {
    const { room, upTo, after } = wish
    const { timeline: wanted, timelineLimit: limit } = turn.filter
    const isWanted = !wanted.isClosed && wanted.allowsRoom(room.roomId)
    const range = { roomNid: room.nid, after: after ?? EVERYTHING, upTo, limit }
    const timeline = isWanted ? await loadTimeline(this.#parts, range, choose) : nothing(upTo)
    const state = await this.#state(turn, wish, {
      roomNid: room.nid,
      timeline,
      endRoot,
      afterTimeline: turn.stateMember !== 'state',
    })
    return { timeline, state, endRoot, senders: new Set(timeline.events.map(({ senderNid }) => senderNid)), isForAll: false }
  }

  async #state({ filter }: SyncTurn, { after, wholeState, room }: ContentWish, wish: StateWish): Promise<RoomState> {
    const { roomState, stateAtPosition } = this.#parts
    const isWhole = wholeState || after === undefined
    const isWanted = !filter.state.isClosed && filter.state.allowsRoom(room.roomId)
    if (isWhole && !isWanted) return { events: [], removed: [], summaryChanged: true, memberRoot: wish.endRoot }
    const state = isWhole
      ? await roomState.whole(wish, !filter.state.lazyLoadMembers)
      : await roomState.since(await stateAtPosition.root(room.nid, after), wish)
    if (filter.state.isOpen && isWanted) return state
    return { ...state, events: isWanted ? state.events.filter((event) => filter.state.passes(event)) : [] }
  }

  /** What the filter wants, the reader may see, and comes from nobody whom the reader ignores. */
  async #chooseFor(
    { filter, reader, ignored }: SyncTurn,
    endRoot: number,
    events: readonly StoredEvent[],
  ): Promise<StoredEvent[]> {
    const { visibility, maps } = this.#parts
    const wanted = events.filter((event) => filter.timeline.passes(event) && isHeard(event, ignored))
    const visible = new Set(await visibility.visible(wanted, reader))
    const chosen: StoredEvent[] = []
    for (const event of wanted) {
      // Who sees the current state sees the events that made it, even those from a time that they may not look into.
      const isCurrent =
        event.isState && !visible.has(event) && (await maps.get(endRoot, [event.kindNid])).get(event.kindNid) === event.nid
      if (visible.has(event) || isCurrent) chosen.push(event)
    }
    return chosen
  }

  /** Members see all of the history where it is shared; redacted events name who redacted them, to whom that looks different. */
  async #areForAll(events: readonly StoredEvent[]): Promise<boolean> {
    for (const event of events) {
      if (event.redacted || event.standing !== 0) return false
      const root = event.stateBefore
      if (!(await this.#sharedHistory.get(root, () => this.#isSharedHistory(root)))) return false
    }
    return true
  }

  async #isSharedHistory(root: number): Promise<boolean> {
    const { history_visibility: visibility } = await this.#parts.states.content(root, 'm.room.history_visibility')
    return visibility !== 'invited' && visibility !== 'joined'
  }
}

function holdsIgnored({ ignored }: SyncTurn, { timeline }: SectionContent): boolean {
  return ignored.size > 0 && timeline.events.some(({ sender }) => ignored.has(sender))
}

function nothing(upTo: number): Timeline {
  return { events: [], entries: [], limited: false, startsAfter: upTo }
}
