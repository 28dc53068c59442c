import { hash } from 'node:crypto'
import { RecentCache } from '../core/recent-cache.ts'
import { Limiter } from '../core/limiter.ts'
import { runInSlices } from '../core/slices.ts'
import type { EventId } from '../protocol/event.ts'
import { stateMapKey } from '../protocol/state-map.ts'
import { type Conflicts, resolveConflicts } from '../protocol/state-resolution/index.ts'
import type { Database } from '../storage/database.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateMaps } from '../storage/state.ts'
import type { Disputes } from '../storage/state-disputes.ts'
import { AuthChains } from './auth-chains.ts'
import { FREE_EVENTS, type ResolutionEffort } from './resolution-effort.ts'
import { Material, type MaterialParts } from './resolution-material.ts'

/** The outcome for more states than these is remembered under a hash of their roots. */
const MANY_STATES = 20

export interface StateResolverParts extends MaterialParts {
  db: Database
  maps: StateMaps
}

/**
 * Joins storage to state resolution: finds what the states disagree about, loads what the algorithm may ask for, and stores
 * the outcome as a change to one of the states. The cost depends on the disagreement, not on the room (docs/adr/0005).
 */
export class StateResolver {
  readonly #parts: StateResolverParts
  /** So that many of them, each in slices, leave others as many turns as one. */
  readonly #large = new Limiter(1)
  readonly #outcomes = new RecentCache<string, number>(10_000)

  constructor(parts: StateResolverParts) {
    this.#parts = parts
  }

  /** The root of the state that the states of `roots` resolve to; `effort` is told what it took. */
  async resolve(room: Room, roots: readonly number[], effort?: ResolutionEffort): Promise<number> {
    const distinct = [...new Set(roots)].sort((a, b) => a - b)
    const [base = 0] = distinct
    if (distinct.length < 2) return base
    const key = distinct.length > MANY_STATES ? hash('sha256', distinct.join(' ')) : distinct.join(' ')
    const known = this.#outcomes.get(key)
    if (known !== undefined) return known
    const root = await this.#resolve(room, distinct, effort)
    this.#outcomes.set(key, root)
    return root
  }

  async #resolve(room: Room, roots: readonly number[], effort: ResolutionEffort | undefined): Promise<number> {
    const disputes = await this.#parts.maps.disputes(roots)
    const settle = () => this.#settle(room, roots, disputes, effort)
    return disputes.size > FREE_EVENTS ? this.#large.run(settle) : settle()
  }

  async #settle(room: Room, roots: readonly number[], disputes: Disputes, effort?: ResolutionEffort): Promise<number> {
    const { db, maps } = this.#parts
    const base = fullestOf(roots, disputes)
    const claims = claimsOf(disputes)
    const material = new Material(this.#parts, room)
    await material.load(claims.keys())
    const drawnIn =
      room.rules.stateResolution === 'v1' ? [] : await this.#drawnIn(room, base, disputes, claims, roots.length, material)
    const full = [...claims.keys(), ...drawnIn]
    effort?.add(full.length)
    await material.load(drawnIn)
    const unconflicted = await material.loadState(base, full, disputes)
    if (room.rules.stateResolution !== 'v1') {
      await material.loadAuthEvents(full)
      await material.loadMainlines()
    }
    const conflicts = conflictsOf(unconflicted, disputes, drawnIn, material)
    const outcome = await runInSlices(resolveConflicts(room.rules, conflicts, material))
    const change = await maps.change(base, changesOf(outcome, disputes, material))
    // Whatever builds on these nodes is queued behind them, and fails with them.
    if (change.nodes.size > 0) db.write((batch) => maps.write(batch, change), room.nid).catch(() => this.#outcomes.clear())
    return change.root
  }

  /** The auth difference, and in v2.1 the conflicted state subgraph. */
  async #drawnIn(
    room: Room,
    base: number,
    disputes: Disputes,
    claims: ReadonlyMap<number, bigint>,
    states: number,
    material: Material,
  ): Promise<Set<number>> {
    const { authGraph, maps } = this.#parts
    const isShared = async (nid: number, kind: number) => !disputes.has(kind) && (await maps.find(base, kind)) === nid
    const graph = { authEvents: (nid: number) => material.authEvents(nid), citations: authGraph.citations.bind(authGraph) }
    const chains = new AuthChains({ graph, isShared })
    const difference = await chains.difference(claims, states)
    return room.rules.stateResolution === 'v2.1' ? difference.union(await chains.subgraph(new Set(claims.keys()))) : difference
  }
}

/** The state that has most of what is in dispute: as a rule the outcome is much like it, and shares with it what is written. */
function fullestOf(roots: readonly number[], disputes: Disputes): number {
  const groups = new Map<bigint, number>()
  for (const events of disputes.values())
    for (const [nid, states] of events) if (nid !== 0) groups.set(states, (groups.get(states) ?? 0) + 1)
  const counts = roots.map(() => 0)
  for (const [states, count] of groups) {
    const bits = states.toString(2)
    for (let state = 0; state < bits.length; state++)
      if (bits.at(-1 - state) === '1') counts[state] = (counts[state] ?? 0) + count
  }
  return roots[counts.indexOf(Math.max(...counts))] ?? 0
}

/** The conflicted state set, and which states have each event of it, one bit a state. */
function claimsOf(disputes: Disputes): Map<number, bigint> {
  const claims = new Map<number, bigint>()
  for (const events of disputes.values()) for (const [nid, states] of events) if (nid !== 0) claims.set(nid, states)
  return claims
}

function conflictsOf(
  unconflicted: Conflicts['unconflicted'],
  disputes: Disputes,
  drawnIn: Iterable<number>,
  material: Material,
): Conflicts {
  const conflicted = new Map<string, Set<EventId>>()
  for (const nids of disputes.values()) {
    const events = [...nids.keys()].flatMap((nid) => material.event(nid) ?? [])
    const [{ type, stateKey = '' } = { type: '' }] = events
    conflicted.set(stateMapKey(type, stateKey), new Set(events.map(({ eventId }) => eventId)))
  }
  return { unconflicted, conflicted, drawnIn: [...drawnIn].flatMap((nid) => material.event(nid)?.eventId ?? []) }
}

/** What becomes of each kind: a conflicted one for which nothing came out is removed. */
function changesOf(
  outcome: ReadonlyMap<string, EventId>,
  disputes: Disputes,
  material: Material,
): Map<number, number | undefined> {
  const changes = new Map<number, number | undefined>([...disputes.keys()].map((kind) => [kind, undefined]))
  for (const eventId of outcome.values()) {
    const known = material.knownById(eventId)
    if (known) changes.set(known.kindNid, known.nid)
  }
  return changes
}
