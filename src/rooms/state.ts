import type { UserId } from '../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../schemas/json.ts'
import type { Event, StateKey, StateLookup } from '../protocol/event.ts'
import { type PowerLevels, powerLevelsFrom } from '../protocol/power-levels.ts'
import type { Events } from '../storage/events.ts'
import { kindOf } from '../storage/kind.ts'
import type { Names } from '../storage/names.ts'
import type { Room } from '../storage/rooms.ts'
import { type StateMaps, UNREAD } from '../storage/state.ts'
import type { StoredEvent } from '../storage/stored-event.ts'

/** Reads the state of rooms: at a root, some keys of it or all of it. */
export class RoomStates {
  readonly #names: Names
  readonly #events: Events
  readonly #maps: StateMaps

  constructor(names: Names, events: Events, maps: StateMaps) {
    this.#names = names
    this.#events = events
    this.#maps = maps
  }

  /** The event nids of some keys in a state; keys that it does not have are left out. */
  async nids(root: number, keys: Iterable<StateKey>): Promise<number[]> {
    return [...(await this.#maps.get(root, await this.kinds(keys))).values()]
  }

  /** Whole events of some keys, as the protocol's algorithms ask for them. */
  async lookup(
    root: number,
    keys: Iterable<StateKey>,
  ): Promise<{ events: readonly Event[]; nids: readonly number[]; find: StateLookup }> {
    const nids = await this.nids(root, keys)
    const events = [...(await this.#events.pdus(nids)).values()]
    const find: StateLookup = (type, stateKey) => events.find((event) => event.type === type && event.stateKey === stateKey)
    return { events, nids, find }
  }

  async get(root: number, type: string, stateKey = ''): Promise<StoredEvent | undefined> {
    const [nid] = await this.nids(root, [{ type, stateKey }])
    return nid === undefined ? undefined : this.#events.get(nid)
  }

  /** The content of one piece of state; `{}` where there is none. */
  async content(root: number, type: string, stateKey = ''): Promise<JsonObject> {
    return (await this.get(root, type, stateKey))?.content ?? {}
  }

  async many(root: number, keys: Iterable<StateKey>): Promise<StoredEvent[]> {
    return this.ofKinds(root, await this.kinds(keys))
  }

  /** The nids of some keys as kinds, for those who ask many states for the same; keys that no state has are left out. */
  async kinds(keys: Iterable<StateKey>): Promise<number[]> {
    const names = [...keys].map(({ type, stateKey }) => kindOf(type, stateKey))
    const resolved = await this.#names.resolve(names)
    return names.flatMap((name) => resolved.known(name) ?? [])
  }

  /** The events of some kinds in a state; kinds that it does not have are left out. */
  async ofKinds(root: number, kinds: readonly number[]): Promise<StoredEvent[]> {
    const found: StoredEvent[] = []
    for (const kind of kinds) {
      const known = this.#maps.peek(root, kind)
      const nid = known === UNREAD ? await this.#maps.find(root, kind) : known
      if (nid !== undefined) found.push(this.#events.cached(nid) ?? (await this.#events.get(nid)))
    }
    return found
  }

  /** All events of a state, or those of one type. */
  async all(root: number, type?: string): Promise<StoredEvent[]> {
    const entries = await this.#maps.entries(root)
    const nids = type === undefined ? entries.values() : await this.#ofType(entries, type)
    return [...(await this.#events.byNids(nids)).values()]
  }

  async powerLevels(root: number, room: Room): Promise<PowerLevels> {
    const { find } = await this.lookup(root, [
      { type: 'm.room.create', stateKey: '' },
      { type: 'm.room.power_levels', stateKey: '' },
    ])
    return powerLevelsFrom(find('m.room.power_levels', ''), find('m.room.create', ''), room.rules)
  }

  /** A user's membership in a state: `leave` for one who was never there. */
  async membership(root: number, userId: UserId): Promise<string> {
    return stringAt(await this.content(root, 'm.room.member', userId), 'membership') ?? 'leave'
  }

  async #ofType(entries: ReadonlyMap<number, number>, type: string): Promise<number[]> {
    const names = await this.#names.namesOf(entries.keys())
    const beginning = kindOf(type, '')
    const nids: number[] = []
    for (const [kind, nid] of entries) if (names.get(kind)?.startsWith(beginning)) nids.push(nid)
    return nids
  }
}
