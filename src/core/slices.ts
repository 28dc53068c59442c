/** Work on long lists that gives the event loop a turn now and then. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** So many steps of a few microseconds each are a slice, and take some milliseconds. */
const SLICE_STEPS = 256

/** No turn takes longer than this, as far as it depends on the number of items. */
const SLICE_MS = 10

/** As `items.map(map)`. */
export async function mapInSlices<T, R>(items: Iterable<T>, map: (item: T) => R): Promise<R[]> {
  const results: R[] = []
  let started = performance.now()
  for (const item of items) {
    results.push(map(item))
    if (performance.now() - started < SLICE_MS) continue
    await nextTurn()
    started = performance.now()
  }
  return results
}

/** The items in parts of a size, with a turn of the event loop between them. */
export async function* slicesOf<T>(items: readonly T[], size: number): AsyncGenerator<T[]> {
  for (let start = 0; start < items.length; start += size) {
    if (start > 0) await nextTurn()
    yield items.slice(start, start + size)
  }
}

/** Gives the event loop a turn now and then in the course of long work whose steps take a few microseconds each. */
export class Turns {
  #steps = 0

  /** Ends a step: true where a slice is over, and `next` is to be awaited. Short work so goes on without a promise. */
  get isDue(): boolean {
    return ++this.#steps % SLICE_STEPS === 0
  }

  next(): Promise<void> {
    return nextTurn()
  }
}

/** Runs work that yields after each of its steps, and gives the event loop a turn now and then. */
export async function runInSlices<R>(work: Generator<void, R>): Promise<R> {
  const turns = new Turns()
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    if (turns.isDue) await turns.next()
  }
}
