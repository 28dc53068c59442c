/** Which of a room's state a client asks for (MSC4186, `required_state`). */
import { RecentCache } from '../../core/recent-cache.ts'
import type { UserId } from '../../../schemas/ids.ts'
import type { StateKey } from '../../protocol/event.ts'

const MEMBER = 'm.room.member'
/** Stands for the reader's own user ID. */
const ME = '$ME'

/** So many characters of a choice take, once they can be asked, some 100 bytes. */
const TEXT_OF_A_UNIT = 25

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
  /** No other one has it. */
  readonly number: number
  /** Of the choice as JSON. */
  readonly textLength: number
  readonly #include: Elements
  /** For members. */
  readonly #named: Elements
  readonly #exclude: Elements

  static readonly #known = new RecentCache<string, Part>({
    max: 5_000,
    maxWeight: 4_000_000,
    weightOf: (part) => part.textLength,
  })
  static #last = 0

  private constructor(choice: StateChoice, textLength: number) {
    this.choice = choice
    this.number = ++Part.#last
    this.textLength = textLength
    const { include, lazyMembers } = choice
    this.#include = new Elements(include)
    // With lazy loading, members are wanted by name only.
    this.#named = lazyMembers ? new Elements(include.filter(({ stateKey }) => stateKey !== undefined)) : this.#include
    this.#exclude = new Elements(choice.exclude)
  }

  /** The same choice gives the same object. */
  static of(choice: StateChoice): Part {
    const text = JSON.stringify(choice)
    const part = Part.#known.get(text) ?? new Part(choice, text.length)
    Part.#known.set(text, part)
    return part
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
  /** How much it keeps, in what connections.ts counts in. */
  readonly weight: number
  readonly #parts: readonly Part[]

  static readonly #known = new RecentCache<string, RequiredState>({
    max: 5_000,
    maxWeight: 400_000,
    weightOf: ({ weight }) => weight,
  })

  readonly #unions = new WeakMap<RequiredState, RequiredState>()

  private constructor(parts: readonly Part[]) {
    this.#parts = parts
    this.allMembers = parts.some((part) => part.matchesAllMembers)
    this.lazyMembers = !this.allMembers && parts.some(({ choice }) => choice.lazyMembers)
    this.weight = Math.ceil(parts.reduce((sum, { textLength }) => sum + textLength, 0) / TEXT_OF_A_UNIT)
  }

  static of(choices: readonly StateChoice[]): RequiredState {
    return RequiredState.#ofParts(choices.map((choice) => Part.of(choice)))
  }

  static #ofParts(parts: readonly Part[]): RequiredState {
    const key = parts.map((part) => part.number).join()
    const known = RequiredState.#known.get(key) ?? new RequiredState(parts)
    RequiredState.#known.set(key, known)
    return known
  }

  /** What either of two asks for. */
  and(other: RequiredState): RequiredState {
    if (other === this) return this
    const known = this.#unions.get(other)
    if (known) return known
    const union = RequiredState.#ofParts([...new Set([...this.#parts, ...other.#parts])])
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
