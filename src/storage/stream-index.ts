/**
 * Remembers for each key of a stream when it last changed, so that nobody asks the database about what has not.
 * It holds the most recent changes only: what it has forgotten lies at or before its floor.
 */
export class StreamIndex<K> {
  /** In the order of the changes: the oldest first. */
  readonly #positions = new Map<K, number>()
  readonly #limit: number
  #floor: number

  /**
   * @param floor the position up to which nothing is known, as a rule that of the start
   * @param limit how many keys are kept
   */
  constructor(floor: number, limit = 100_000) {
    this.#floor = floor
    this.#limit = limit
  }

  /** Notes a change. Positions of one key come in order. */
  set(key: K, position: number): void {
    this.#positions.delete(key)
    this.#positions.set(key, position)
    if (this.#positions.size <= this.#limit) return
    const [oldest] = this.#positions
    if (oldest === undefined) return
    this.#positions.delete(oldest[0])
    this.#floor = Math.max(this.#floor, oldest[1])
  }

  /** When the key last changed, or the floor where it has not changed since. */
  get(key: K): number {
    return this.#positions.get(key) ?? this.#floor
  }

  /** Whether it remembers a change of the key. */
  has(key: K): boolean {
    return this.#positions.has(key)
  }

  /** False where it is certain that the key has not changed after `position`. */
  mayHaveChanged(key: K, position: number): boolean {
    return (this.#positions.get(key) ?? this.#floor) > position
  }

  /** Whether it knows of every change after `position`. */
  covers(position: number): boolean {
    return position >= this.#floor
  }
}
