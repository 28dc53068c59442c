export interface WeighedLimits<V, K = unknown> {
  /** How many entries are kept, at most. */
  readonly max: number
  /** How much they weigh together, at most, but for one that weighs more by itself. */
  readonly maxWeight: number
  /** What a value weighs: always the same. */
  readonly weightOf: (value: V, key: K) => number
}

/**
 * A cache of what was used of late, in two generations: what is used moves to the younger one, and when that is full it
 * becomes the older one, whose rest is forgotten. So it holds `max` entries at most, and the last half as many that were
 * used for certain. It takes no memory before it is filled, other than caches that keep a list of all their places:
 * those took 27 MB of an idle server here, and 60 ms of each start.
 */
export class RecentCache<K, V extends {}> {
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  /** What the younger generation weighs. */
  #weight = 0
  readonly #generation: number
  readonly #weightOf: ((value: V, key: K) => number) | undefined
  readonly #generationWeight: number

  /** @param limits how many entries are kept, at most; with what they weigh, where clients decide how large they are */
  constructor(limits: number | WeighedLimits<V, K>) {
    const { max, maxWeight = 0, weightOf } = typeof limits === 'number' ? { max: limits } : limits
    this.#generation = Math.ceil(max / 2)
    this.#generationWeight = maxWeight / 2
    this.#weightOf = weightOf
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  /** Whether there is such an entry, which does not count as a use of it. */
  has(key: K): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#generation && !this.#young.has(key)) this.#age()
    if (this.#weightOf) this.#makeRoom(key, this.#weightOf(value, key))
    this.#young.set(key, value)
  }

  #makeRoom(key: K, weight: number): void {
    this.#lighten(key)
    if (this.#weight + weight > this.#generationWeight) this.#age()
    this.#weight += weight
  }

  /** Takes away what the entry of a key weighs in the younger generation. */
  #lighten(key: K): void {
    const value = this.#weightOf && this.#young.get(key)
    if (this.#weightOf && value !== undefined) this.#weight -= this.#weightOf(value, key)
  }

  #age(): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#weight = 0
  }

  /** Tells whether there was such an entry. */
  delete(key: K): boolean {
    this.#lighten(key)
    const wasOld = this.#old.delete(key)
    return this.#young.delete(key) || wasOld
  }

  deleteWhere(test: (value: V, key: K) => boolean): void {
    for (const [key, value] of this.#young) if (test(value, key)) this.delete(key)
    for (const [key, value] of this.#old) if (test(value, key)) this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#weight = 0
  }
}
