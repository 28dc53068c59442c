/** How much may be kept, in what entries weigh. */
export interface OwnedCacheLimits {
  /** Of one owner. */
  readonly ofOwner: number
  /** Of all owners together. */
  readonly all: number
}

interface Entry<V> {
  value: V
  weight: number
}

interface Owned<V> {
  /** The one that was not used for the longest time comes first. */
  readonly entries: Map<string, Entry<V>>
  weight: number
}

/**
 * A cache of what single clients can make grow: each entry belongs to somebody and weighs something. Where an owner has too much,
 * what that owner did not use for the longest time is forgotten; where all together have too much, what belongs to whoever has
 * not been here for the longest time.
 */
export class OwnedCache<V extends {}> {
  readonly #limits: OwnedCacheLimits
  /** The one who was not here for the longest time comes first. */
  readonly #owners = new Map<number, Owned<V>>()
  #weight = 0

  constructor(limits: OwnedCacheLimits) {
    this.#limits = limits
  }

  /** What all entries weigh together. */
  get weight(): number {
    return this.#weight
  }

  get(owner: number, key: string): V | undefined {
    const owned = this.#owners.get(owner)
    const entry = owned?.entries.get(key)
    if (!owned || !entry) return undefined
    owned.entries.delete(key)
    owned.entries.set(key, entry)
    this.#owners.delete(owner)
    this.#owners.set(owner, owned)
    return entry.value
  }

  /** The keys of an owner, the one that was not used for the longest time first. */
  keys(owner: number): Iterable<string> {
    return this.#owners.get(owner)?.entries.keys() ?? []
  }

  set(owner: number, key: string, value: V, weight: number): void {
    this.delete(owner, key)
    const owned = this.#owners.get(owner) ?? { entries: new Map<string, Entry<V>>(), weight: 0 }
    this.#owners.delete(owner)
    this.#owners.set(owner, owned)
    owned.entries.set(key, { value, weight })
    this.#grow(owned, weight)
    this.#shrink(owner, owned)
  }

  /** Says what a value weighs now, if it is here still. */
  weigh(owner: number, key: string, value: V, weight: number): void {
    const owned = this.#owners.get(owner)
    const entry = owned?.entries.get(key)
    if (!owned || entry?.value !== value) return
    this.#grow(owned, weight - entry.weight)
    entry.weight = weight
    this.#shrink(owner, owned)
  }

  delete(owner: number, key: string): void {
    const owned = this.#owners.get(owner)
    const entry = owned?.entries.get(key)
    if (!owned || !entry) return
    owned.entries.delete(key)
    this.#grow(owned, -entry.weight)
    if (owned.entries.size === 0) this.#owners.delete(owner)
  }

  #grow(owned: Owned<V>, weight: number): void {
    owned.weight += weight
    this.#weight += weight
  }

  #shrink(owner: number, owned: Owned<V>): void {
    while (owned.weight > this.#limits.ofOwner) this.#forgetOldest(owner, owned)
    for (const [longestAway, theirs] of this.#owners) {
      while (this.#weight > this.#limits.all && theirs.entries.size > 0) this.#forgetOldest(longestAway, theirs)
      if (this.#weight <= this.#limits.all) return
    }
  }

  #forgetOldest(owner: number, { entries }: Owned<V>): void {
    const [oldest] = entries.keys()
    if (oldest !== undefined) this.delete(owner, oldest)
  }
}
