import { LRUCache } from 'lru-cache'
import type { ServerName } from '../../schemas/ids.ts'
import { type BackoffPolicy, backoffDelay } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

interface Trouble {
  readonly failures: number
  /** When the last failure was noted, and when the next attempt may begin; milliseconds since the epoch. */
  readonly notedAt: number
  readonly retryAt: number
}

export interface DestinationsOptions {
  readonly clock: Clock
  /** 0 to 1. */
  readonly random: () => number
  /** `federation.max_retry_interval_ms` of the configuration. */
  readonly maxRetryIntervalMs: number
}

const FIRST_WAIT_MS = 1_000
const MAX_ENTRIES = 50_000

/** Which servers did not answer lately, and when to try them again: one gate for everything that calls other servers. */
export class Destinations {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #policy: BackoffPolicy
  readonly #troubles = new LRUCache<ServerName, Trouble>({ max: MAX_ENTRIES })
  readonly #listeners: ((server: ServerName) => void)[] = []

  constructor({ clock, random, maxRetryIntervalMs }: DestinationsOptions) {
    this.#clock = clock
    this.#random = random
    this.#policy = { firstMs: FIRST_WAIT_MS, capMs: maxRetryIntervalMs }
  }

  /** Milliseconds until `server` may be tried again; 0 where that is now. */
  waitMs(server: ServerName): number {
    return Math.max(0, (this.#troubles.get(server)?.retryAt ?? 0) - this.#clock.now())
  }

  /** How often in a row `server` has failed to answer. */
  failures(server: ServerName): number {
    return this.#troubles.get(server)?.failures ?? 0
  }

  /**
   * Notes that an attempt which began at `startedAt` (milliseconds) was not answered. One that was already under way
   * when the last failure was noted says nothing new: many calls failing together count once.
   */
  failed(server: ServerName, startedAt: number): void {
    const before = this.#troubles.get(server)
    if (before && startedAt <= before.notedAt) return
    const failures = (before?.failures ?? 0) + 1
    const now = this.#clock.now()
    this.#troubles.set(server, { failures, notedAt: now, retryAt: now + backoffDelay(this.#policy, failures, this.#random()) })
  }

  /** Notes that `server` lives: it has answered us, or an authenticated request has come from it. */
  alive(server: ServerName): void {
    if (!this.#troubles.delete(server)) return
    for (const listener of this.#listeners) listener(server)
  }

  /** Hears of each server that lives again after failures. */
  onRecovery(listener: (server: ServerName) => void): void {
    this.#listeners.push(listener)
  }
}
