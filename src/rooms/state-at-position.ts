import type { Events } from '../storage/events.ts'
import type { StateJumps } from '../storage/state-jumps.ts'
import type { TimelineEntry, Timelines } from '../storage/timelines.ts'

export interface StateAtPositionParts {
  events: Events
  timelines: Timelines
  stateJumps: StateJumps
}

/** The state that a room had at a stream position, as its readers saw it: what tokens stand for. */
export class StateAtPosition {
  readonly #parts: StateAtPositionParts

  constructor(parts: StateAtPositionParts) {
    this.#parts = parts
  }

  /** The root of the room's current state at a position; 0 (the empty state) before its first event. */
  async root(roomNid: number, position: number): Promise<number> {
    const { events, timelines, stateJumps } = this.#parts
    const [entry] = await timelines.backwards(roomNid, Number.MIN_SAFE_INTEGER, position, 1)
    if (!entry) return 0
    const jump = await stateJumps.last(roomNid, entry.position, position)
    if (jump) return jump.root
    return (events.cached(entry.nid) ?? (await events.get(entry.nid))).stateAfter
  }

  /**
   * The root of the room's state just before an event of its timeline. With forks, that is not the state before the event,
   * which may know less than the room; but it is the only one there is for the first event that came live.
   */
  async rootBefore(roomNid: number, entry: TimelineEntry): Promise<number> {
    const { events, timelines } = this.#parts
    const [earlier] = await timelines.backwards(roomNid, Number.MIN_SAFE_INTEGER, entry.position - 1, 1)
    if (earlier && earlier.position > 0) return this.root(roomNid, entry.position - 1)
    return (events.cached(entry.nid) ?? (await events.get(entry.nid))).stateBefore
  }
}
