import { RecentCache } from '../core/recent-cache.ts'
import type { ServerName } from '../../schemas/ids.ts'
import { type BackoffPolicy, backoffDelay } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

interface Trouble {
  readonly failures: number
  /** When the last failure was noted, and when the next attempt may begin; milliseconds since the epoch. */
  readonly notedAt: number
  readonly retryAt: number
}

export interface RetryGateOptions {
  readonly clock: Clock
  /** 0 to 1. */
  readonly random: () => number
  readonly policy: BackoffPolicy
}

const MAX_ENTRIES = 50_000

/**
 * Which servers failed lately, and when to try them again. One gate is shared by everything that calls other servers,
 * the sender included; it is open for a server that never failed.
 */
export class RetryGate {
  readonly #options: RetryGateOptions
  readonly #troubles = new RecentCache<ServerName, Trouble>(MAX_ENTRIES)
  readonly #listeners: ((server: ServerName) => void)[] = []

  constructor(options: RetryGateOptions) {
    this.#options = options
  }

  /** Milliseconds until `server` may be tried again; 0 where that is now. */
  waitMs(server: ServerName): number {
    return Math.max(0, (this.#troubles.get(server)?.retryAt ?? 0) - this.#options.clock.now())
  }

  /** How often in a row `server` has failed. */
  failures(server: ServerName): number {
    return this.#troubles.get(server)?.failures ?? 0
  }

  /**
   * Notes that an attempt which began at `startedAt` (milliseconds) failed. One that was already under way when the
   * last failure was noted says nothing new: many calls failing together count once.
   */
  failed(server: ServerName, startedAt: number): void {
    const before = this.#troubles.get(server)
    if (before && startedAt <= before.notedAt) return
    const { clock, policy, random } = this.#options
    const failures = (before?.failures ?? 0) + 1
    const now = clock.now()
    this.#troubles.set(server, { failures, notedAt: now, retryAt: now + backoffDelay(policy, failures, random()) })
  }

  /** Notes that all is well: `server` has answered us, or an authenticated request has come from it. */
  alive(server: ServerName): void {
    if (!this.#troubles.delete(server)) return
    for (const listener of this.#listeners) listener(server)
  }

  /** Hears of each server that is well again after failures. */
  onRecovery(listener: (server: ServerName) => void): void {
    this.#listeners.push(listener)
  }
}
