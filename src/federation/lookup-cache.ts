import { RecentCache } from '../core/recent-cache.ts'
import { type BackoffPolicy, backoffDelay } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

/** What a look-up came to. After a failure a value from before goes on being used, else `fallback` is. */
export type LookupOutcome<T> =
  | { readonly kind: 'found'; readonly value: T; readonly lifetimeMs: number }
  | { readonly kind: 'failed'; readonly fallback: T }

export interface LookupCacheOptions<T> {
  readonly clock: Clock
  readonly random: () => number
  readonly load: (key: string) => Promise<LookupOutcome<T>>
  /** When to ask again after failures. */
  readonly retry: BackoffPolicy
  /** How long after it was found a value may stand in for failed look-ups, in milliseconds. */
  readonly staleMs: number
}

interface Entry<T> {
  readonly value: T
  readonly freshUntil: number
  readonly usableUntil: number
  readonly failures: number
}

const MAX_ENTRIES = 10_000

/** Remembers look-ups, failed ones too; those who ask for a key at the same time share one look-up. */
export class LookupCache<T> {
  readonly #options: LookupCacheOptions<T>
  readonly #entries = new RecentCache<string, Entry<T>>(MAX_ENTRIES)
  readonly #running = new Map<string, Promise<T>>()

  constructor(options: LookupCacheOptions<T>) {
    this.#options = options
  }

  async get(key: string): Promise<T> {
    const entry = this.#entries.get(key)
    if (entry && entry.freshUntil > this.#options.clock.now()) return entry.value
    const running = this.#running.get(key) ?? this.#load(key, entry).finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return running
  }

  async #load(key: string, before: Entry<T> | undefined): Promise<T> {
    const outcome = await this.#options.load(key)
    const entry = outcome.kind === 'found' ? this.#found(outcome) : this.#failed(outcome.fallback, before)
    this.#entries.set(key, entry)
    return entry.value
  }

  #found({ value, lifetimeMs }: { value: T; lifetimeMs: number }): Entry<T> {
    const now = this.#options.clock.now()
    return { value, freshUntil: now + lifetimeMs, usableUntil: now + this.#options.staleMs, failures: 0 }
  }

  #failed(fallback: T, before: Entry<T> | undefined): Entry<T> {
    const { clock, retry, random } = this.#options
    const failures = (before?.failures ?? 0) + 1
    const freshUntil = clock.now() + backoffDelay(retry, failures, random())
    const usable = before !== undefined && before.usableUntil > clock.now()
    return { value: usable ? before.value : fallback, freshUntil, usableUntil: before?.usableUntil ?? 0, failures }
  }
}
