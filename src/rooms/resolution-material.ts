import { authStateKeys } from '../protocol/auth-events.ts'
import type { CheckedEvent, EventId, StateKey } from '../protocol/event.ts'
import { stateMapKey } from '../protocol/state-map.ts'
import { Heap } from '../core/heap.ts'
import { Turns } from '../core/slices.ts'
import type { AuthGraph } from '../storage/auth-graph.ts'
import { CheckedEvents, type CheckedEventsParts, type KnownEvent } from '../storage/checked-events.ts'
import type { Room } from '../storage/rooms.ts'
import type { RoomStates } from './state.ts'

/** What the checks of all events ask for, with an empty state key. */
const BASIS_TYPES: ReadonlySet<string> = new Set(['m.room.create', 'm.room.power_levels', 'm.room.join_rules'])

export interface MaterialParts extends CheckedEventsParts {
  readonly authGraph: AuthGraph
  readonly states: RoomStates
}

/** The events that one resolution may ask for. */
export class Material {
  readonly #parts: MaterialParts
  readonly #room: Room
  readonly #reader: CheckedEvents
  readonly #byId = new Map<EventId, KnownEvent>()
  readonly #byNid = new Map<number, KnownEvent>()
  readonly #turns = new Turns()

  constructor(parts: MaterialParts, room: Room) {
    this.#parts = parts
    this.#room = room
    this.#reader = new CheckedEvents(parts, room)
  }

  readonly fetch = (eventId: EventId): CheckedEvent | undefined => this.#byId.get(eventId)?.event

  readonly isRejected = (eventId: EventId): boolean => this.#byId.get(eventId)?.isRejected ?? false

  knownById(eventId: EventId): KnownEvent | undefined {
    return this.#byId.get(eventId)
  }

  event(nid: number): CheckedEvent | undefined {
    return this.#byNid.get(nid)?.event
  }

  /** The auth events of an event, at hand or not. */
  async authEvents(nid: number): Promise<readonly number[]> {
    return this.#byNid.get(nid)?.authEvents ?? this.#parts.authGraph.authEvents(nid)
  }

  async load(nids: Iterable<number>): Promise<void> {
    const missing = [...new Set(nids)].filter((nid) => !this.#byNid.has(nid))
    for await (const part of this.#reader.read(missing)) {
      for (const known of part) {
        this.#byNid.set(known.nid, known)
        this.#byId.set(known.event.eventId, known)
      }
    }
  }

  async loadAuthEvents(nids: Iterable<number>): Promise<void> {
    const cited = new Set<number>()
    for (const nid of nids) {
      for (const authEvent of await this.authEvents(nid)) cited.add(authEvent)
      if (this.#turns.isDue) await this.#turns.next()
    }
    await this.load(cited)
  }

  /**
   * That part of a state which the checks of the events in conflict may ask for, and what the state has in their own places.
   * @param disputed kinds that do not count
   */
  async loadState(
    root: number,
    conflicted: Iterable<number>,
    disputed: Pick<ReadonlySet<number>, 'has'>,
  ): Promise<Map<string, EventId>> {
    const wanted = new Map<string, StateKey>()
    const want = (key: StateKey) => wanted.set(stateMapKey(key.type, key.stateKey), key)
    for (const type of BASIS_TYPES) want({ type, stateKey: '' })
    for (const nid of conflicted) {
      const known = this.#byNid.get(nid)
      if (known) this.#keysOf(known, disputed).forEach(want)
      if (this.#turns.isDue) await this.#turns.next()
    }
    const nids = await this.#parts.states.nids(root, wanted.values())
    await this.load(nids)
    const agreed = new Map<string, EventId>()
    for (const nid of nids) {
      const { kindNid, event } = this.#byNid.get(nid) ?? {}
      if (kindNid === undefined || disputed.has(kindNid) || event?.stateKey === undefined) continue
      agreed.set(stateMapKey(event.type, event.stateKey), event.eventId)
    }
    return agreed
  }

  /**
   * The power levels events that those at hand go back to: as far as to the one where all their lines have met, since a
   * mainline differs from the others only before it.
   */
  async loadMainlines(): Promise<void> {
    const lines = new Heap<number>((a, b) => b - a)
    const entered = new Set<number>()
    const enter = (nid: number) => {
      if (entered.has(nid) || !isPowerLevels(this.event(nid))) return
      entered.add(nid)
      lines.push(nid)
    }
    for (const nid of this.#byNid.keys()) enter(nid)
    for (let latest = lines.pop(); latest !== undefined && lines.size > 0; latest = lines.pop()) {
      const authEvents = await this.authEvents(latest)
      await this.load(authEvents)
      authEvents.forEach(enter)
      if (this.#turns.isDue) await this.#turns.next()
    }
  }

  /** An event's place in the state and those that its check looks at, less the basis, and its own if that is disputed. */
  #keysOf({ event, kindNid }: KnownEvent, disputed: Pick<ReadonlySet<number>, 'has'>): StateKey[] {
    const { type, stateKey } = event
    if (stateKey === undefined) return []
    const others = authStateKeys(event, this.#room.rules).filter(
      (key) => !BASIS_TYPES.has(key.type) && (key.type !== type || key.stateKey !== stateKey),
    )
    return disputed.has(kindNid) ? others : [{ type, stateKey }, ...others]
  }
}

function isPowerLevels(event: CheckedEvent | undefined): boolean {
  return event?.type === 'm.room.power_levels' && event.stateKey === ''
}
