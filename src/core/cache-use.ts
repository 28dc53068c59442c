/** How often a cache had what it was asked for; plain numbers, since hot paths count. */
export class CacheUse {
  hits = 0
  misses = 0

  /** Counts an answer of the cache, and passes it on. */
  count<T>(found: T | undefined): T | undefined {
    if (found === undefined) this.misses++
    else this.hits++
    return found
  }
}
