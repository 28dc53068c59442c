import type { Events } from '../../storage/events.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { TimelineEntry, Timelines } from '../../storage/timelines.ts'

/** How many events are looked at, at most, to find those that a filter wants. */
const MAX_SCAN = 1_000
/** Where not all of the first events are wanted, more are looked at in one go. */
const MIN_CHUNK = 20
/** As `after`: from the beginning of what is here of a room. */
export const EVERYTHING = Number.MIN_SAFE_INTEGER

/** The part of a room's timeline that one answer holds. */
export interface Timeline {
  /** In order. */
  readonly events: readonly StoredEvent[]
  /** Where each of them is. */
  readonly entries: readonly TimelineEntry[]
  /** There are more of them than the limit lets through, or than have been fetched from other servers. */
  readonly limited: boolean
  /** The position just before the first of them: for `prev_batch`. */
  readonly startsAfter: number
}

/** Where to look for events, and how many to take. */
export interface TimelineRange {
  readonly roomNid: number
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

/** Chooses those events that the reader gets, in the same order. */
export type Choose = (events: readonly StoredEvent[]) => Promise<readonly StoredEvent[]> | readonly StoredEvent[]

export interface TimelineParts {
  timelines: Timelines
  events: Events
}

/** The last events of a range that are chosen, `limit` at most. */
export async function loadTimeline(parts: TimelineParts, whole: TimelineRange, choose: Choose): Promise<Timeline> {
  const edge = await parts.timelines.edge(whole.roomNid, whole.upTo)
  const isEdged = edge !== undefined && edge > whole.after
  // What is before a gap does not go with what is after it.
  const range = isEdged ? { ...whole, after: edge - 1 } : whole
  const found: [TimelineEntry, StoredEvent][] = []
  let { upTo } = range
  let isWhole = false
  let oldest: StoredEvent | undefined
  for (let scanned = 0; found.length <= range.limit && scanned < MAX_SCAN && !isWhole; ) {
    const size = scanned === 0 ? range.limit + 1 : Math.max(range.limit + 1, MIN_CHUNK)
    const entries = await parts.timelines.backwards(range.roomNid, range.after, upTo, size)
    isWhole = entries.length < size
    scanned += entries.length
    upTo = (entries.at(-1)?.position ?? upTo) - 1
    oldest = (await addChosen(parts.events, entries, choose, found)) ?? oldest
  }
  const hasGap = isEdged || (range.after === EVERYTHING && oldest !== undefined && oldest.type !== 'm.room.create')
  return timelineOf(found, range, { isWhole, hasGap, upTo })
}

/** Adds the chosen events of some entries, the newest first; gives the oldest, chosen or not. */
async function addChosen(
  events: Events,
  entries: readonly TimelineEntry[],
  choose: Choose,
  found: [TimelineEntry, StoredEvent][],
): Promise<StoredEvent | undefined> {
  const stored = await events.byNids(entries.map(({ nid }) => nid))
  const chosen = new Set(await choose([...stored.values()]))
  for (const entry of entries) {
    const event = stored.get(entry.nid)
    if (event && chosen.has(event)) found.push([entry, event])
  }
  return stored.get(entries.at(-1)?.nid ?? 0)
}

function timelineOf(
  found: readonly [TimelineEntry, StoredEvent][],
  range: TimelineRange,
  scanned: { readonly isWhole: boolean; readonly hasGap: boolean; readonly upTo: number },
): Timeline {
  const taken = found.slice(0, range.limit).toReversed()
  const first = taken[0]?.[0]
  const isCut = found.length > taken.length
  // Where the search was given up, the client goes on from there.
  const startsAfter = first
    ? first.position - 1
    : isCut
      ? range.upTo
      : scanned.isWhole
        ? Math.max(range.after, 0) || range.upTo
        : scanned.upTo
  return {
    events: taken.map(([, event]) => event),
    entries: taken.map(([entry]) => entry),
    limited: isCut || !scanned.isWhole || scanned.hasGap,
    startsAfter,
  }
}
