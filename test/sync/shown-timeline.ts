/**
 * What a client shows of a room that keeps all it has ever got of it, with the gaps that it knows of: as the core of Element X
 * does, but for its own events, which that one does not take for known.
 */
import assert from 'node:assert/strict'
import type { SeenEvent, TestUser } from '../support/user.ts'

/** A gap is filled from its token on. */
type Item = { readonly eventId: string } | { readonly gap: string }

/** The timeline of a room in an answer of whichever sync. */
export interface GivenTimeline {
  readonly events: readonly SeenEvent[]
  readonly limited?: boolean | undefined
  readonly prevBatch?: string | undefined
}

export class ShownTimeline {
  readonly #user: TestUser
  readonly #roomId: string
  #items: readonly Item[] = []

  constructor(user: TestUser, roomId: string) {
    this.#user = user
    this.#roomId = roomId
  }

  /** The ids of all events, in order. */
  get eventIds(): string[] {
    return this.#runs.flat()
  }

  get hasGaps(): boolean {
    return this.#items.some(isGap)
  }

  /** The events between gaps. */
  get #runs(): string[][] {
    const runs: string[][] = [[]]
    for (const item of this.#items)
      if (isGap(item)) runs.push([])
      else runs.at(-1)?.push(item.eventId)
    return runs
  }

  /** Takes in what a sync has brought. */
  take({ events, limited = false, prevBatch }: GivenTimeline): void {
    if (this.#isKnown(events)) return
    const hasGap = prevBatch !== undefined && (limited || this.eventIds.length === 0)
    this.#items = [...this.#without(events), ...(hasGap ? [{ gap: prevBatch }] : []), ...events.map(toItem)]
  }

  /** Fills the last gap with a page of history. */
  async scrollUp(limit: number): Promise<void> {
    const gap = this.#items.findLast(isGap)
    if (!gap) return
    const { events, end } = await pageBefore(this.#user, this.#roomId, limit, gap.gap)
    const isKnown = this.#isKnown(events)
    const page = isKnown ? [] : [...(end === undefined ? [] : [{ gap: end }]), ...events.map(toItem).toReversed()]
    const others = isKnown ? this.#items : this.#without(events)
    this.#items = others.toSpliced(others.indexOf(gap), 1, ...page)
  }

  async scrollToStart(limit: number): Promise<void> {
    for (let pages = 0; this.hasGaps; pages++) {
      assert.ok(pages < 500, 'the gaps have no end')
      await this.scrollUp(limit)
    }
  }

  /** Each run of events is a part of the room as it is, and the runs are in its order. */
  assertPartOf(whole: readonly string[]): void {
    const places = new Map(whole.map((eventId, place) => [eventId, place]))
    let last = -1
    for (const run of this.#runs) {
      const [first] = run
      if (first === undefined) continue
      const start = places.get(first) ?? assert.fail(`${first} is not in the room`)
      assert.ok(start > last, `${first} is shown after what it comes before`)
      assert.deepEqual(run, whole.slice(start, start + run.length), 'something is missing, or not in its place')
      last = start + run.length - 1
    }
  }

  #isKnown(events: readonly SeenEvent[]): boolean {
    const known = new Set(this.eventIds)
    return events.length > 0 && events.every(({ event_id: eventId }) => known.has(eventId))
  }

  #without(events: readonly SeenEvent[]): Item[] {
    const others = new Set(events.map(({ event_id: eventId }) => eventId))
    return this.#items.filter((item) => isGap(item) || !others.has(item.eventId))
  }
}

const isGap = (item: Item): item is { readonly gap: string } => 'gap' in item
const toItem = ({ event_id: eventId }: SeenEvent): Item => ({ eventId })

/** All that the server gives a user of a room by `/messages`, in order. */
export async function wholeTimeline(user: TestUser, roomId: string): Promise<string[]> {
  const whole: string[] = []
  for (let from: string | undefined, pages = 0; ; pages++) {
    assert.ok(pages < 50, 'the room has no beginning')
    const { events, end } = await pageBefore(user, roomId, 1_000, from)
    whole.push(...events.map(({ event_id: eventId }) => eventId))
    if (end === undefined) return whole.toReversed()
    from = end
  }
}

async function pageBefore(user: TestUser, roomId: string, limit: number, from?: string) {
  const query = new URLSearchParams({ dir: 'b', limit: String(limit), ...(from !== undefined && { from }) })
  const { chunk, end } = await user.ok('GET', `rooms/${encodeURIComponent(roomId)}/messages?${query}`)
  return { events: chunk as SeenEvent[], end: end as string | undefined }
}
