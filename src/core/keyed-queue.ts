/** Tasks with the same key run one after another, tasks with different keys side by side. */
export class KeyedQueue<K> {
  readonly #tails = new Map<K, Promise<unknown>>()

  /** Runs `task` after all earlier tasks of `key`, whatever became of them. */
  run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? task() : before.then(task, task)
    const forget = (): void => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
    const tail = result.then(forget, forget)
    this.#tails.set(key, tail)
    return result
  }

  get size(): number {
    return this.#tails.size
  }
}
