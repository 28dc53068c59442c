import type { Event } from '../src/protocol/event.ts'
import { authStateKeys } from '../src/protocol/auth-events.ts'
import { buildEvent } from '../src/protocol/event-builder.ts'
import { stateMapKey } from '../src/protocol/state-map.ts'
import type { Draft } from '../src/rooms/send.ts'
import type { Room } from '../src/storage/rooms.ts'
import type { Replica } from '../test/support/replica.ts'

/** A branch of a room's history, of which only state events are there: kept as outliers, in bulk. */
export class Branch {
  readonly #replica: Replica
  readonly #room: Room
  readonly #base: number
  readonly #state: Map<string, Event>
  #made: Event[] = []
  #time = 0

  private constructor(replica: Replica, room: Room, base: number, state: ReadonlyMap<string, Event>) {
    this.#replica = replica
    this.#room = room
    this.#base = base
    this.#state = new Map(state)
  }

  /** A branch that starts from the state of a root, of which it knows the events of these users and what is not of users. */
  static async from(replica: Replica, room: Room, root: number, users: readonly string[]): Promise<Branch> {
    const keys = [
      ...['create', 'power_levels', 'join_rules'].map((name) => ({ type: `m.room.${name}`, stateKey: '' })),
      ...users.map((stateKey) => ({ type: 'm.room.member', stateKey })),
    ]
    const { events } = await replica.core.states.lookup(root, keys)
    return new Branch(replica, room, root, new Map(events.map((event) => [keyOf(event), event])))
  }

  /** Makes a state event on top of the branch, citing what the branch has, or with these events in place of that. */
  add({ type, stateKey = '', sender, content }: Draft, cite: readonly Event[] = []): Event {
    const cited = new Map<string, Event>()
    for (const key of authStateKeys({ type, stateKey, sender, content }, this.#room.rules)) {
      const event = this.#state.get(stateMapKey(key.type, key.stateKey))
      if (event) cited.set(keyOf(event), event)
    }
    for (const event of cite) cited.set(keyOf(event), event)
    const authEvents = [...cited.values()].map(({ eventId }) => eventId)
    const template = {
      type,
      stateKey,
      sender,
      content,
      roomId: this.#room.roomId,
      depth: 10,
      prevEvents: authEvents.slice(0, 1),
      authEvents,
    }
    const event = buildEvent({ ...template, originServerTs: 1_700_000_000_000 + this.#time++ }, this.#room.rules)
    this.#state.set(keyOf(event), event)
    this.#made.push(event)
    return event
  }

  /** Another branch that goes on from where this one is. */
  async fork(): Promise<Branch> {
    return new Branch(this.#replica, this.#room, await this.save(), this.#state)
  }

  /** Keeps what was made; gives the root of the state. */
  async save(): Promise<number> {
    const { core, storage } = this.#replica
    await core.outliers.admit(this.#room, this.#made)
    this.#made = []
    const stored = await storage.events.byIds([...this.#state.values()].map(({ eventId }) => eventId))
    const change = await storage.maps.change(this.#base, new Map([...stored.values()].map(({ kindNid, nid }) => [kindNid, nid])))
    await storage.db.write((batch) => storage.maps.write(batch, change), this.#room.nid)
    return change.root
  }
}

const keyOf = (event: Event): string => stateMapKey(event.type, event.stateKey ?? '')
