import type { EventId } from '../event.ts'
import type { StateMap } from '../state-map.ts'

/** What states resolve to, found out step by step. */
export type Resolution = Generator<void, Map<string, EventId>>

/** A number of states, as what they agree on and what not. */
export interface Conflicts {
  /** The unconflicted state map, as far as somebody asks for it. */
  readonly unconflicted: Pick<StateMap, 'get'>
  /** The conflicted keys, each with the events that states have for it. */
  readonly conflicted: ReadonlyMap<string, ReadonlySet<EventId>>
  /** What the full conflicted set has beside these: the auth difference, and in v2.1 the conflicted state subgraph. v1 knows neither. */
  readonly drawnIn: Iterable<EventId>
}
