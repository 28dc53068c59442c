/**
 * The end of a request, for those who wait for something meanwhile. It says what an AbortSignal says; there is one for every
 * long poll, and signals with their events cost several times as much.
 */
export class Ending {
  readonly #listeners = new Set<() => void>()
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  /** Calls `listener` at the end, unless the function that it returns is called before. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  end(): void {
    this.#isOver = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
