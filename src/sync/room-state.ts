import { stringAt } from '../../schemas/json.ts'
import { SharedResults } from '../core/shared-results.ts'
import type { StateAtPosition } from '../rooms/state-at-position.ts'
import type { Events } from '../storage/events.ts'
import { parseKind } from '../storage/kind.ts'
import type { Names } from '../storage/names.ts'
import type { StateDifference, StateMaps } from '../storage/state.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timeline } from './streams/timeline.ts'

const MEMBER = 'm.room.member'
const MEMBER_KIND = `${MEMBER}\0`

export interface RoomStateParts {
  names: Names
  events: Events
  maps: StateMaps
  stateAtPosition: StateAtPosition
}

/** How a client learns a room's state: by its timeline and what it had before, and this beside them. */
export interface RoomState {
  /** What the section of the room has to hold, as far as the filter lets it pass. */
  readonly events: readonly StoredEvent[]
  /** The kinds that the client had and that state resolution has removed. */
  readonly removed: readonly number[]
  /** Whether the room's name, or the memberships that its summary counts, have changed. */
  readonly summaryChanged: boolean
  /** The state in which the senders of the timeline are looked up. */
  readonly memberRoot: number
}

/** What of a room's state is asked for. */
export interface StateWish {
  readonly roomNid: number
  readonly timeline: Timeline
  /** Root of the state at the end of the timeline. */
  readonly endRoot: number
  /** The client takes its state from this section alone, and so it goes up to the end of the timeline. */
  readonly afterTimeline: boolean
}

/** Works out the `state` (up to the start of the timeline) or `state_after` (up to its end) of a room's section. */
export class RoomStateReader {
  readonly #parts: RoomStateParts
  readonly #withoutMembers = new SharedResults<number, ReadonlyMap<number, number>>(2_000)

  constructor(parts: RoomStateParts) {
    this.#parts = parts
  }

  /** What has changed since the client knew the state `since`, by events or by state resolution. */
  async since(since: number, wish: StateWish): Promise<RoomState> {
    const memberRoot = await this.#memberRoot(wish)
    if (since === wish.endRoot) return { events: [], removed: [], summaryChanged: false, memberRoot }
    const { events, maps } = this.#parts
    const differences = await maps.difference(since, wish.endRoot)
    const before = new Map(differences.map(({ kind, before: nid }) => [kind, nid]))
    const changed = new Map(differences.flatMap(({ kind, after }) => (after === undefined ? [] : [[kind, after] as const])))
    const nids = await this.#upToStart(wish, changed, (kind, nid) => before.get(kind) !== nid)
    return {
      events: [...(await events.byNids(nids)).values()],
      removed: differences.filter(({ after }) => after === undefined).map(({ kind }) => kind),
      summaryChanged: await this.#changesSummary(differences),
      memberRoot,
    }
  }

  /** All of the state; without the members where they are loaded lazily. */
  async whole(wish: StateWish, withMembers: boolean): Promise<RoomState> {
    const { events, maps } = this.#parts
    const entries = await (withMembers ? maps.entries(wish.endRoot) : this.withoutMembers(wish.endRoot))
    const nids = await this.#upToStart(wish, entries, () => true)
    return {
      events: [...(await events.byNids(nids)).values()],
      removed: [],
      summaryChanged: true,
      memberRoot: await this.#memberRoot(wish),
    }
  }

  /**
   * The nids of some of the state at the end of the timeline, as it was at the start of it unless that is not wanted:
   * an event of the timeline gives way to what it replaced. What is in the state at the end but not in the timeline has come
   * by state resolution, or was filtered out: clients can learn of it only here.
   */
  async #upToStart(
    wish: StateWish,
    end: ReadonlyMap<number, number>,
    isNews: (kind: number, nid: number) => boolean,
  ): Promise<number[]> {
    if (wish.afterTimeline) return [...end.values()]
    const inTimeline = new Set(wish.timeline.events.map(({ nid }) => nid))
    const replaced = [...end].filter(([, nid]) => inTimeline.has(nid)).map(([kind]) => kind)
    const nids = [...end.values()].filter((nid) => !inTimeline.has(nid))
    if (replaced.length === 0) return nids
    for (const [kind, nid] of await this.#parts.maps.get(await this.#memberRoot(wish), replaced))
      if (!inTimeline.has(nid) && isNews(kind, nid)) nids.push(nid)
    return nids
  }

  /** The root of the state at the start of the timeline, or at its end where that is wanted. */
  async #memberRoot({ roomNid, timeline, endRoot, afterTimeline }: StateWish): Promise<number> {
    const [first] = timeline.entries
    return first && !afterTimeline ? this.#parts.stateAtPosition.rootBefore(roomNid, first) : endRoot
  }

  /** The state at a root but for the members: event nids by kind nid. */
  withoutMembers(root: number): Promise<ReadonlyMap<number, number>> {
    return this.#withoutMembers.get(root, () => this.#entriesWithoutMembers(root))
  }

  async #entriesWithoutMembers(root: number): Promise<ReadonlyMap<number, number>> {
    const { maps, names } = this.#parts
    const entries = await maps.entries(root)
    const kinds = await names.namesOf(entries.keys())
    return new Map([...entries].filter(([kind]) => !kinds.get(kind)?.startsWith(MEMBER_KIND)))
  }

  async #changesSummary(differences: readonly StateDifference[]): Promise<boolean> {
    const { names, events } = this.#parts
    const kinds = await names.namesOf(differences.map(({ kind }) => kind))
    const stored = await events.byNids(differences.flatMap(({ before, after }) => [before ?? [], after ?? []].flat()))
    const membershipOf = (nid: number | undefined) =>
      nid === undefined ? undefined : stringAt(stored.get(nid)?.content ?? {}, 'membership')
    return differences.some(({ kind, before, after }) => {
      const { type } = parseKind(kinds.get(kind) ?? '')
      return type === 'm.room.name' || (type === MEMBER && membershipOf(before) !== membershipOf(after))
    })
  }
}
