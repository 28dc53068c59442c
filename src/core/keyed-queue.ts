/** Tasks with the same key run one after another, tasks with different keys side by side. */
export class KeyedQueue<K> {
  readonly #tails = new Map<K, Promise<unknown>>()

  /** Runs `task` after all earlier tasks of `key`, whatever became of them. */
  run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? task() : before.then(task, task)
    const tail = result.then(noop, noop).then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
    this.#tails.set(key, tail)
    return result
  }

  get size(): number {
    return this.#tails.size
  }
}

function noop(): void {}
