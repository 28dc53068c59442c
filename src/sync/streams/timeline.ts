import type { Events } from '../../storage/events.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { TimelineEntry, Timelines } from '../../storage/timelines.ts'

/** How many events are looked at, at most, to find those that a filter wants. */
const MAX_SCAN = 1_000
const MIN_CHUNK = 20

/** The part of a room's timeline that one answer holds. */
export interface Timeline {
  /** In order. */
  readonly events: readonly StoredEvent[]
  /** The first of them; undefined where there is none. */
  readonly first: TimelineEntry | undefined
  /** There are more of them than the limit lets through. */
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
export async function loadTimeline(parts: TimelineParts, range: TimelineRange, choose: Choose): Promise<Timeline> {
  const found: [TimelineEntry, StoredEvent][] = []
  let { upTo } = range
  let isWhole = false
  for (let scanned = 0; found.length <= range.limit && scanned < MAX_SCAN && !isWhole; ) {
    const size = Math.max(range.limit + 1, MIN_CHUNK)
    const entries = await parts.timelines.backwards(range.roomNid, range.after, upTo, size)
    isWhole = entries.length < size
    scanned += entries.length
    upTo = (entries.at(-1)?.position ?? upTo) - 1
    await addChosen(parts.events, entries, choose, found)
  }
  return timelineOf(found, range, isWhole, upTo)
}

/** Adds the chosen events of some entries, the newest first. */
async function addChosen(
  events: Events,
  entries: readonly TimelineEntry[],
  choose: Choose,
  found: [TimelineEntry, StoredEvent][],
): Promise<void> {
  const stored = await events.byNids(entries.map(({ nid }) => nid))
  const chosen = new Set(await choose([...stored.values()]))
  for (const entry of entries) {
    const event = stored.get(entry.nid)
    if (event && chosen.has(event)) found.push([entry, event])
  }
}

function timelineOf(
  found: readonly [TimelineEntry, StoredEvent][],
  range: TimelineRange,
  isWhole: boolean,
  scannedTo: number,
): Timeline {
  const taken = found.slice(0, range.limit)
  const first = taken.at(-1)?.[0]
  const isCut = found.length > taken.length
  // Where the search was given up, the client goes on from there.
  const startsAfter = first
    ? first.position - 1
    : isCut
      ? range.upTo
      : isWhole
        ? Math.max(range.after, 0) || range.upTo
        : scannedTo
  return { events: taken.map(([, event]) => event).toReversed(), first, limited: isCut || !isWhole, startsAfter }
}
