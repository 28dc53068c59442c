import { RecentCache, type WeighedLimits } from './recent-cache.ts'

interface Shared<V> {
  readonly result: Promise<V>
  /** As soon as it is there. */
  readonly value?: V
}

/** Keeps the results of work by key; those who ask while it is under way wait for the same result. A failure is not kept. */
export class SharedResults<K extends {}, V extends {} | undefined> {
  readonly #results: RecentCache<K, Shared<V>>
  readonly #isWeighed: boolean

  /** @param limits how many results are kept; with what they weigh, where clients decide how large they are */
  constructor(limits: number | WeighedLimits<V, K>) {
    this.#isWeighed = typeof limits !== 'number'
    this.#results = new RecentCache(typeof limits === 'number' ? limits : weighed(limits))
  }

  get(key: K, work: () => Promise<V>): Promise<V> {
    const known = this.#results.get(key)
    if (known) return known.result
    const shared = { result: work() }
    this.#results.set(key, shared)
    const keep = (value: V) => {
      if (this.#results.get(key) === shared) this.#results.set(key, { ...shared, value })
    }
    shared.result.then(this.#isWeighed ? keep : undefined, () => this.#results.delete(key))
    return shared.result
  }
}

function weighed<K, V>({ weightOf, ...limits }: WeighedLimits<V, K>): WeighedLimits<Shared<V>, K> {
  return { ...limits, weightOf: ({ value }, key) => (value === undefined ? 0 : weightOf(value, key)) }
}
