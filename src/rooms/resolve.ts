import { LRUCache } from 'lru-cache'
import type { EventId } from '../../schemas/ids.ts'
import { authStateKeys } from '../protocol/auth-events.ts'
import type { Event, StateKey } from '../protocol/event.ts'
import { type StateMap, stateMapKey } from '../protocol/state-map.ts'
import { authGraphOf, resolve, walkingAuthChains } from '../protocol/state-resolution/index.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import { parseKind } from '../storage/kind.ts'
import type { Names } from '../storage/names.ts'
import type { Room } from '../storage/rooms.ts'
import type { StateMaps } from '../storage/state.ts'
import type { RoomStates } from './state.ts'

const BASIS: readonly StateKey[] = [
  { type: 'm.room.create', stateKey: '' },
  { type: 'm.room.power_levels', stateKey: '' },
  { type: 'm.room.join_rules', stateKey: '' },
]

export interface StateResolverParts {
  db: Database
  names: Names
  events: Events
  maps: StateMaps
  states: RoomStates
}

/**
 * Joins storage to state resolution: finds what the states disagree about, loads what the algorithm may ask for, and stores
 * the outcome as a change to one of the states. The cost depends on the disagreement and its auth chains, not on the room.
 */
export class StateResolver {
  readonly #parts: StateResolverParts
  readonly #outcomes = new LRUCache<string, number>({ max: 10_000 })

  constructor(parts: StateResolverParts) {
    this.#parts = parts
  }

  /** The root of the state that the states of `roots` resolve to. */
  async resolve(room: Room, roots: readonly number[]): Promise<number> {
    const distinct = [...new Set(roots)].sort((a, b) => a - b)
    const [base = 0] = distinct
    if (distinct.length < 2) return base
    const key = distinct.join(' ')
    const known = this.#outcomes.get(key)
    if (known !== undefined) return known
    const root = await this.#resolve(room, base, distinct)
    this.#outcomes.set(key, root)
    return root
  }

  async #resolve(room: Room, base: number, roots: readonly number[]): Promise<number> {
    const { db, maps, names, states } = this.#parts
    const disputed = await this.#disputedKinds(roots)
    const claims = await Promise.all(roots.map((root) => maps.get(root, disputed)))
    const material = await this.#material([
      ...claims.flatMap((claim) => [...claim.values()]),
      ...(await states.nids(base, BASIS)),
    ])
    const agreed = await this.#agreedState(room, base, disputed, material)
    const keys = new Map([...(await names.namesOf(disputed))].map(([kind, name]) => [kind, keyOfKind(name)]))
    const disputes = claims.map((claim) => stateMapOf(claim, keys, material))
    const walking = walkingAuthChains(authGraphOf((eventId) => material.events.get(eventId)))
    const candidates = walking.difference(
      [],
      disputes.map((state) => state.values()),
    )
    const difference = await this.#outsideOfCommonChains(base, disputed, candidates, material)
    const outcome = resolve(
      room.rules,
      disputes.map((state) => new Map([...agreed, ...state])),
      {
        fetch: (eventId) => material.events.get(eventId),
        isRejected: (eventId) => material.rejected.has(eventId),
        chains: { subgraph: walking.subgraph, difference: () => difference },
      },
    )
    const changes = new Map([...keys].map(([kind, key]) => [kind, material.nids.get(outcome.get(key) ?? '')]))
    const change = await maps.change(base, changes)
    // Whatever builds on these nodes is queued behind them, and fails with them.
    if (change.nodes.size > 0) db.write((batch) => maps.write(batch, change), room.nid).catch(() => this.#outcomes.clear())
    return change.root
  }

  /** The kinds that are not the same in all the states. */
  async #disputedKinds(roots: readonly number[]): Promise<Set<number>> {
    const [base = 0, ...others] = roots
    const kinds = new Set<number>()
    for (const other of others) for (const { kind } of await this.#parts.maps.difference(base, other)) kinds.add(kind)
    return kinds
  }

  /** The events of `nids` and of their whole auth chains. */
  async #material(nids: readonly number[]): Promise<Material> {
    const { events } = this.#parts
    const material: Material = { events: new Map(), nids: new Map(), rejected: new Set() }
    let frontier = new Set(nids)
    while (frontier.size > 0) {
      const next = new Set<EventId>()
      await this.#load(frontier, material)
      for (const event of (await events.pdus(frontier)).values())
        for (const cited of event.authEvents) if (!material.events.has(cited)) next.add(cited)
      frontier = new Set((await events.nids(next)).values())
    }
    return material
  }

  async #load(nids: Iterable<number>, material: Material): Promise<void> {
    const { events } = this.#parts
    const wanted = [...nids]
    const stored = await events.byNids(wanted)
    for (const [nid, event] of await events.pdus(wanted)) {
      material.events.set(event.eventId, event)
      material.nids.set(event.eventId, nid)
      if (stored.get(nid)?.isRejected) material.rejected.add(event.eventId)
    }
  }

  /** That part of what the states agree on which the checks of the material's events may ask for; loads it as well. */
  async #agreedState(room: Room, base: number, disputed: ReadonlySet<number>, material: Material): Promise<Map<string, EventId>> {
    const { states, events } = this.#parts
    const wanted = new Map<string, StateKey>(BASIS.map((key) => [stateMapKey(key.type, key.stateKey), key]))
    for (const event of material.events.values()) {
      for (const key of authStateKeys(event, room.rules)) wanted.set(stateMapKey(key.type, key.stateKey), key)
    }
    const nids = await states.nids(base, wanted.values())
    const agreed = [...(await events.byNids(nids)).values()].filter(({ kindNid }) => !disputed.has(kindNid))
    await this.#load(
      agreed.map(({ nid }) => nid),
      material,
    )
    return new Map(agreed.map((event) => [stateMapKey(event.type, event.stateKey ?? ''), event.eventId]))
  }

  /**
   * The auth difference of the whole states, given that of their disputed parts: what is also in the auth chain of an event
   * that all states share is in all chains. Stops as soon as every candidate is found there.
   */
  async #outsideOfCommonChains(
    base: number,
    disputed: ReadonlySet<number>,
    candidates: ReadonlySet<EventId>,
    material: Material,
  ): Promise<Set<EventId>> {
    const { maps, events } = this.#parts
    const left = new Set([...candidates].flatMap((eventId) => material.nids.get(eventId) ?? []))
    const seen = new Set<number>()
    const common =
      left.size === 0 ? [] : [...(await maps.entries(base))].flatMap(([kind, nid]) => (disputed.has(kind) ? [] : [nid]))
    let frontier: number[] = common
    while (frontier.length > 0 && left.size > 0) {
      const batch = frontier.splice(-64)
      const cited = new Set<EventId>()
      for (const event of (await events.pdus(batch)).values()) for (const authEvent of event.authEvents) cited.add(authEvent)
      for (const nid of (await events.nids(cited)).values()) {
        left.delete(nid)
        if (!seen.has(nid)) frontier.push(nid)
        seen.add(nid)
      }
    }
    return new Set([...candidates].filter((eventId) => left.has(material.nids.get(eventId) ?? -1)))
  }
}

/** What one resolution may ask for. */
interface Material {
  readonly events: Map<EventId, Event>
  readonly nids: Map<string, number>
  readonly rejected: Set<EventId>
}

function keyOfKind(kind: string): string {
  const { type, stateKey = '' } = parseKind(kind)
  return stateMapKey(type, stateKey)
}

function stateMapOf(claim: ReadonlyMap<number, number>, keys: ReadonlyMap<number, string>, { nids }: Material): StateMap {
  const eventIds = new Map([...nids].map(([eventId, nid]) => [nid, eventId as EventId]))
  const state = new Map<string, EventId>()
  for (const [kind, nid] of claim) {
    const eventId = eventIds.get(nid)
    const key = keys.get(kind)
    if (eventId !== undefined && key !== undefined) state.set(key, eventId)
  }
  return state
}
