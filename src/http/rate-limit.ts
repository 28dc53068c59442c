/** Token buckets, one for each limiter and key. https://spec.matrix.org/v1.19/client-server-api/#rate-limiting */
import { RecentCache } from '../core/recent-cache.ts'
import type { RateLimitClass } from '../../schemas/endpoint.ts'
import type { Clock } from '../core/clock.ts'

export interface Limit {
  /** Let through in the long run. */
  readonly perSecond: number
  /** May come at once. */
  readonly burst: number
}

export interface RateLimits {
  readonly enabled: boolean
  readonly message: Limit
  readonly login: Limit
  readonly registration: Limit
  readonly join: Limit
  readonly invite: Limit
  readonly roomCreation: Limit
  readonly read: Limit
  readonly write: Limit
  /** All that a device does, of whatever class. */
  readonly device: Limit
  readonly federation: Limit
}

/** What a limit is on. */
export type Limiter = RateLimitClass | 'device'

interface Bucket {
  tokens: number
  /** When `tokens` was right, in milliseconds. */
  at: number
}

/** A forgotten bucket is a full one; so many are remembered at a time. */
const MAX_BUCKETS = 50_000

export class RateLimiter {
  readonly #limits: RateLimits
  readonly #clock: Pick<Clock, 'now'>
  readonly #buckets = new RecentCache<string, Bucket>(MAX_BUCKETS)

  constructor(limits: RateLimits, clock: Pick<Clock, 'now'>) {
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Counts one call of `key` (a user, a device, a server, an address), by `limit` in place of the configured one if it
   * is given. Returns 0, or how many milliseconds it must wait.
   */
  take(limiter: Limiter, key: string, limit?: Limit): number {
    if (!this.#limits.enabled || limiter === 'none') return 0
    const { perSecond, burst } = limit ?? this.#limits[limiter === 'room-creation' ? 'roomCreation' : limiter]
    const bucket = this.#bucket(`${limiter} ${key}`, perSecond, burst)
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000)
    bucket.tokens -= 1
    return 0
  }

  /** Counts further calls of a device without refusing them: those that follow wait for longer. */
  charge(device: string, calls: number): void {
    if (!this.#limits.enabled || calls === 0) return
    const { perSecond, burst } = this.#limits.device
    this.#bucket(`device ${device}`, perSecond, burst).tokens -= calls
  }

  #bucket(name: string, perSecond: number, burst: number): Bucket {
    const now = this.#clock.now()
    const bucket = this.#buckets.get(name) ?? { tokens: burst, at: now }
    // A clock that was set back adds nothing.
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    this.#buckets.set(name, bucket)
    return bucket
  }
}
