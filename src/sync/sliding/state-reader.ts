import type { UserId } from '../../../schemas/ids.ts'
import type { StateKey } from '../../protocol/event.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Events } from '../../storage/events.ts'
import { parseKind } from '../../storage/kind.ts'
import type { Names } from '../../storage/names.ts'
import type { StateMaps } from '../../storage/state.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { RoomStateReader } from '../room-state.ts'
import type { RequiredState } from './required-state.ts'

export interface StateReaderParts {
  names: Names
  events: Events
  maps: StateMaps
  states: RoomStates
  roomState: RoomStateReader
}

/** Reads from a room's state what a client requires of it. */
export class StateReader {
  readonly #parts: StateReaderParts

  constructor(parts: StateReaderParts) {
    this.#parts = parts
  }

  /** What is required of the state at a root, without what was required of it `before`. */
  async at(root: number, required: RequiredState, me: UserId, before?: RequiredState): Promise<StoredEvent[]> {
    const { states, events } = this.#parts
    const keys = required.keys(me).filter(({ type, stateKey = '' }) => !before?.matches(type, stateKey, me))
    const nids = new Set(await states.nids(root, keys))
    if (required.hasWildcards)
      for (const nid of await this.#matching(
        root,
        required,
        (type, stateKey) => required.matches(type, stateKey, me) && !before?.matches(type, stateKey, me),
      ))
        nids.add(nid)
    return [...(await events.byNids(nids)).values()]
  }

  /** What some kinds of state stand for. */
  async keysOf(kinds: readonly number[]): Promise<StateKey[]> {
    const named = kinds.length === 0 ? [] : (await this.#parts.names.namesOf(kinds)).values()
    return [...named].map((kind) => {
      const { type, stateKey = '' } = parseKind(kind)
      return { type, stateKey }
    })
  }

  async #matching(
    root: number,
    required: RequiredState,
    matches: (type: string, stateKey: string) => boolean,
  ): Promise<number[]> {
    const { maps, names, roomState } = this.#parts
    const entries = await (required.allMembers ? maps.entries(root) : roomState.withoutMembers(root))
    const kinds = await names.namesOf(entries.keys())
    return [...entries].flatMap(([kind, nid]) => {
      const { type, stateKey = '' } = parseKind(kinds.get(kind) ?? '')
      return matches(type, stateKey) ? [nid] : []
    })
  }
}
