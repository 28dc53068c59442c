/** Work that is under way, by key: those who ask for the same meanwhile share its result, which is not kept. */
export class UnderWay<V> {
  readonly #max: number
  readonly #tooMany: (key: string) => Error
  readonly #running = new Map<string, Promise<V>>()

  /** @param tooMany the error for those who come when `max` are under way */
  constructor(max: number, tooMany: (key: string) => Error) {
    this.#max = max
    this.#tooMany = tooMany
  }

  async get(key: string, work: (key: string) => Promise<V>): Promise<V> {
    const running = this.#running.get(key)
    if (running) return running
    if (this.#running.size >= this.#max) throw this.#tooMany(key)
    const begun = work(key).finally(() => this.#running.delete(key))
    this.#running.set(key, begun)
    return begun
  }
}
