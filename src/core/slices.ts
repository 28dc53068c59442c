/** Work on long lists that gives the event loop a turn now and then. */
import { setImmediate as nextTurn } from 'node:timers/promises'

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
