import { authStateKeys } from '../protocol/auth-events.ts'
import type { Event, EventId, StateKey } from '../protocol/event.ts'
import { stateMapKey } from '../protocol/state-map.ts'
import { Heap } from '../core/heap.ts'
import type { AuthGraph } from '../storage/auth-graph.ts'
import type { Events } from '../storage/events.ts'
import type { Room } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomStates } from './state.ts'

const BASIS: readonly StateKey[] = [
  { type: 'm.room.create', stateKey: '' },
  { type: 'm.room.power_levels', stateKey: '' },
  { type: 'm.room.join_rules', stateKey: '' },
]

export interface MaterialParts {
  readonly authGraph: AuthGraph
  readonly events: Events
  readonly states: RoomStates
}

/** The events that one resolution may ask for. */
export class Material {
  readonly #parts: MaterialParts
  readonly #nids = new Map<EventId, number>()
  readonly #events = new Map<number, Event>()
  readonly #stored = new Map<number, StoredEvent>()

  constructor(parts: MaterialParts) {
    this.#parts = parts
  }

  readonly fetch = (eventId: EventId): Event | undefined => this.#events.get(this.#nids.get(eventId) ?? 0)

  readonly isRejected = (eventId: EventId): boolean => this.storedOf(eventId)?.isRejected ?? false

  storedOf(eventId: EventId): StoredEvent | undefined {
    return this.#stored.get(this.#nids.get(eventId) ?? 0)
  }

  event(nid: number): Event | undefined {
    return this.#events.get(nid)
  }

  async load(nids: Iterable<number>): Promise<void> {
    const { events } = this.#parts
    const missing = [...new Set(nids)].filter((nid) => !this.#events.has(nid))
    if (missing.length === 0) return
    for (const [nid, stored] of await events.byNids(missing)) this.#stored.set(nid, stored)
    for (const [nid, event] of await events.pdus(missing)) {
      this.#events.set(nid, event)
      this.#nids.set(event.eventId, nid)
    }
  }

  async loadAuthEvents(nids: Iterable<number>): Promise<void> {
    const cited = new Set<number>()
    for (const nid of nids) for (const authEvent of await this.#parts.authGraph.authEvents(nid)) cited.add(authEvent)
    await this.load(cited)
  }

  /**
   * That part of a state which the checks of the events in conflict may ask for, and what the state has in their own places.
   * @param disputed kinds that do not count
   */
  async loadState(
    root: number,
    room: Room,
    conflicted: Iterable<number>,
    disputed: Pick<ReadonlySet<number>, 'has'>,
  ): Promise<Map<string, EventId>> {
    const wanted = new Map<string, StateKey>()
    const want = (key: StateKey) => wanted.set(stateMapKey(key.type, key.stateKey), key)
    BASIS.forEach(want)
    for (const nid of conflicted) {
      const event = this.#events.get(nid)
      if (event?.stateKey === undefined) continue
      want({ type: event.type, stateKey: event.stateKey })
      authStateKeys(event, room.rules).forEach(want)
    }
    const found = await this.#parts.events.byNids(await this.#parts.states.nids(root, wanted.values()))
    const agreed = [...found.values()].filter(({ kindNid }) => !disputed.has(kindNid))
    await this.load(agreed.map(({ nid }) => nid))
    return new Map(agreed.map((event) => [stateMapKey(event.type, event.stateKey ?? ''), event.eventId]))
  }

  /**
   * The power levels events that those at hand go back to: as far as to the one where all their lines have met, since a
   * mainline differs from the others only before it.
   */
  async loadMainlines(): Promise<void> {
    const lines = new Heap<number>((a, b) => b - a)
    const entered = new Set<number>()
    const enter = (nid: number) => {
      if (entered.has(nid) || !isPowerLevels(this.#events.get(nid))) return
      entered.add(nid)
      lines.push(nid)
    }
    for (const nid of this.#events.keys()) enter(nid)
    for (let latest = lines.pop(); latest !== undefined && lines.size > 0; latest = lines.pop()) {
      const authEvents = await this.#parts.authGraph.authEvents(latest)
      await this.load(authEvents)
      authEvents.forEach(enter)
    }
  }
}

function isPowerLevels(event: Event | undefined): boolean {
  return event?.type === 'm.room.power_levels' && event.stateKey === ''
}
