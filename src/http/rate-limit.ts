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
  readonly socket: Limit
  readonly unknownToken: Limit
  readonly federation: Limit
}

/** What a limit is on. */
export type Limiter = RateLimitClass | 'device' | 'unknown-token'

/** What is said to who has to wait. */
export interface Refusal {
  readonly waitMs: number
  /** Since the last call that was let through: of a flood one is worth telling. */
  readonly isFirst: boolean
}

interface Bucket {
  tokens: number
  /** When `tokens` was right, in milliseconds. */
  at: number
  /** The last call was refused. */
  isEmpty: boolean
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
   * is given. Gives how long it has to wait, where it has to.
   */
  take(limiter: Limiter, key: string, limit?: Limit): Refusal | undefined {
    if (!this.#limits.enabled || limiter === 'none') return undefined
    const { perSecond, burst } = limit ?? this.#limits[settingOf(limiter)]
    const bucket = this.#bucket(`${limiter} ${key}`, perSecond, burst)
    const wasEmpty = bucket.isEmpty
    bucket.isEmpty = bucket.tokens < 1
    if (bucket.isEmpty) return { waitMs: Math.ceil(((1 - bucket.tokens) / perSecond) * 1000), isFirst: !wasEmpty }
    bucket.tokens -= 1
    return undefined
  }

  /** Counts further calls of a device without refusing them: those that follow wait for longer. */
  charge(device: string, calls: number): void {
    if (!this.#limits.enabled || calls === 0) return
    const { perSecond, burst } = this.#limits.device
    this.#bucket(`device ${device}`, perSecond, burst).tokens -= calls
  }

  #bucket(name: string, perSecond: number, burst: number): Bucket {
    const now = this.#clock.now()
    const bucket = this.#buckets.get(name) ?? { tokens: burst, at: now, isEmpty: false }
    // A clock that was set back adds nothing.
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    this.#buckets.set(name, bucket)
    return bucket
  }
}

function settingOf(limiter: Exclude<Limiter, 'none'>): Exclude<keyof RateLimits, 'enabled'> {
  if (limiter === 'room-creation') return 'roomCreation'
  return limiter === 'unknown-token' ? 'unknownToken' : limiter
}
