import { RecentCache } from './recent-cache.ts'

/** Keeps the results of work by key; those who ask while it is under way wait for the same result. A failure is not kept. */
export class SharedResults<K extends {}, V> {
  readonly #results: RecentCache<K, Promise<V>>

  /** @param max how many results are kept */
  constructor(max: number) {
    this.#results = new RecentCache(max)
  }

  get(key: K, work: () => Promise<V>): Promise<V> {
    const known = this.#results.get(key)
    if (known) return known
    const result = work()
    this.#results.set(key, result)
    result.catch(() => this.#results.delete(key))
    return result
  }
}
