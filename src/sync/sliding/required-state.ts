/** Which of a room's state a client asks for (MSC4186, `required_state`). */
import { RecentCache } from '../../core/recent-cache.ts'
import type { UserId } from '../../../schemas/ids.ts'
import type { StateKey } from '../../protocol/event.ts'

const MEMBER = 'm.room.member'
/** Stands for the reader's own user ID. */
const ME = '$ME'

/** A type and a state key; what is undefined matches everything. */
export interface StateElement {
  readonly type: string | undefined
  readonly stateKey: string | undefined
}

/** What one list or subscription asks for. */
export interface StateChoice {
  readonly include: readonly StateElement[]
  readonly exclude: readonly StateElement[]
  /** Members are told of when they are needed to show what is sent. */
  readonly lazyMembers: boolean
}

/** Elements by type; null stands for all state keys. */
class Elements {
  readonly #keys = new Map<string | undefined, Set<string> | null>()

  constructor(elements: readonly StateElement[]) {
    for (const { type, stateKey } of elements) {
      const keys = this.#keys.get(type)
      if (stateKey === undefined) this.#keys.set(type, null)
      else if (keys === undefined) this.#keys.set(type, new Set([stateKey]))
      else keys?.add(stateKey)
    }
  }

  /** @param names the state key, under all names that it has for the reader */
  has(type: string, names: readonly string[]): boolean {
    return this.#holds(type, names) || this.#holds(undefined, names)
  }

  #holds(type: string | undefined, names: readonly string[]): boolean {
    const keys = this.#keys.get(type)
    return keys === null || (keys !== undefined && names.some((name) => keys.has(name)))
  }
}

/** A choice, ready to be asked. */
class Part {
  readonly choice: StateChoice
  readonly #include: Elements
  /** For members. */
  readonly #named: Elements
  readonly #exclude: Elements

  constructor(choice: StateChoice) {
    this.choice = choice
    const { include, lazyMembers } = choice
    this.#include = new Elements(include)
    // With lazy loading, members are wanted by name only.
    this.#named = lazyMembers ? new Elements(include.filter(({ stateKey }) => stateKey !== undefined)) : this.#include
    this.#exclude = new Elements(choice.exclude)
  }

  matches(type: string, names: readonly string[]): boolean {
    return (type === MEMBER ? this.#named : this.#include).has(type, names) && !this.#exclude.has(type, names)
  }

  get matchesAllMembers(): boolean {
    const { include, exclude, lazyMembers } = this.choice
    return !lazyMembers && include.some(isAllMembers) && !exclude.some(isAllMembers)
  }
}

const isAllMembers = ({ type, stateKey }: StateElement): boolean => (type ?? MEMBER) === MEMBER && stateKey === undefined

/** The state that all lists and subscriptions that a room matches ask for together. The same choices give the same object. */
export class RequiredState {
  /** Lazily, and nobody asks for all of them anyway. */
  readonly lazyMembers: boolean
  readonly allMembers: boolean
  readonly #parts: readonly Part[]

  static readonly #known = new RecentCache<string, RequiredState>(5_000)

  readonly #unions = new WeakMap<RequiredState, RequiredState>()

  private constructor(choices: readonly StateChoice[]) {
    this.#parts = choices.map((choice) => new Part(choice))
    this.allMembers = this.#parts.some((part) => part.matchesAllMembers)
    this.lazyMembers = !this.allMembers && choices.some(({ lazyMembers }) => lazyMembers)
  }

  static of(choices: readonly StateChoice[]): RequiredState {
    const text = JSON.stringify(choices)
    const known = RequiredState.#known.get(text) ?? new RequiredState(choices)
    RequiredState.#known.set(text, known)
    return known
  }

  /** What either of two asks for. */
  and(other: RequiredState): RequiredState {
    if (other === this) return this
    const known = this.#unions.get(other)
    if (known) return known
    const texts = new Map([...this.#parts, ...other.#parts].map(({ choice }) => [JSON.stringify(choice), choice]))
    const union = RequiredState.of([...texts.values()])
    this.#unions.set(other, union)
    return union
  }

  matches(type: string, stateKey: string, me: UserId): boolean {
    const names = stateKey === me ? [stateKey, ME] : [stateKey]
    return this.#parts.some((part) => part.matches(type, names))
  }

  /** The keys that are asked for by name; among them members who are asked for with whatever else has their name. */
  keys(me: UserId): StateKey[] {
    const keys: StateKey[] = []
    for (const { choice } of this.#parts)
      for (const { type, stateKey } of choice.include)
        if (stateKey !== undefined) keys.push({ type: type ?? MEMBER, stateKey: stateKey === ME ? me : stateKey })
    return keys.filter(({ type, stateKey }) => this.matches(type, stateKey, me))
  }

  /** Something is asked for that is not named. */
  get hasWildcards(): boolean {
    return this.#parts.some(({ choice }) =>
      choice.include.some(({ type, stateKey }) => type === undefined || stateKey === undefined),
    )
  }
}
