import { hash } from 'node:crypto'
import { RecentCache } from '../core/recent-cache.ts'
import { logout, logoutAll } from '../../schemas/client/logout.ts'
import type { Clock } from '../core/clock.ts'
import { unknownToken, userLocked } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { RateLimitOverride } from '../storage/rate-limit-overrides.ts'
import type { Bearer, Tokens } from '../storage/tokens.ts'
import type { LastSeen } from './last-seen.ts'

const MAX_KNOWN = 100_000
const MAX_HASHES = 10_000
/** A device's "last seen" is written down no more often. */
const SEEN_INTERVAL_MS = 5 * 60_000
/** Servers MUST return M_USER_LOCKED on all but these. */
const OPEN_TO_LOCKED: ReadonlySet<string> = new Set([logout.path, logoutAll.path])

/** What storage knows a token or another secret by: it is never kept itself. */
export const hashToken = (token: string): string => hash('sha256', token, 'base64url')

/** From where a token is used. */
export interface TokenUse {
  readonly address: string
  readonly userAgent: string | undefined
  /** The declared path of the endpoint that is called. */
  readonly routePath?: string | undefined
}

interface Known {
  readonly answer: Promise<Requester>
  readonly deviceNid: number
  /** Infinity where it lasts until the session is closed. */
  readonly expiresTs: number
  seenTs: number
  address: string
}

/** Finds out whom an access token stands for. https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens */
export class AccessTokens {
  readonly #db: Database
  readonly #tokens: Tokens
  readonly #clock: Clock
  readonly #lastSeen: LastSeen
  readonly #known = new RecentCache<string, Known>(MAX_KNOWN)
  /** The hashes of tokens of late: hashing them anew would cost more than all else that is done here. */
  readonly #hashes = new RecentCache<string, string>(MAX_HASHES)
  readonly #listeners: ((deviceNid: number) => void)[] = []
  /** Counts revocations: what was read from storage before one may be out of date after it. */
  #revocations = 0

  constructor({ db, tokens, clock, lastSeen }: { db: Database; tokens: Tokens; clock: Clock; lastSeen: LastSeen }) {
    this.#db = db
    this.#tokens = tokens
    this.#clock = clock
    this.#lastSeen = lastSeen
  }

  /**
   * The bearer of an access token. Every request passes here: a token of late costs one hash and one look-up.
   * Rejects with M_UNKNOWN_TOKEN (`soft_logout` where it has only expired) or M_USER_LOCKED.
   */
  authenticate(token: string, use: TokenUse): Promise<Requester> {
    const hashed = this.#hashes.get(token) ?? hashToken(token)
    const now = this.#clock.now()
    const known = this.#known.get(hashed)
    if (known === undefined || known.expiresTs <= now) return this.#load(hashed, use, now)
    this.#hashes.set(token, hashed)
    if (now - known.seenTs >= SEEN_INTERVAL_MS || known.address !== use.address) this.#note(known, use, now)
    return known.answer
  }

  /** Calls `listener` with the device of a token in use when it has been revoked, or means something else. */
  onForget(listener: (deviceNid: number) => void): void {
    this.#listeners.push(listener)
  }

  /** These tokens, named by their hashes, have been revoked, or what they stand for has changed. */
  forget(hashes: Iterable<string>): void {
    this.#revocations++
    for (const hashed of hashes) {
      const known = this.#known.get(hashed)
      this.#known.delete(hashed)
      if (known) for (const listener of this.#listeners) listener(known.deviceNid)
    }
  }

  async #load(hashed: string, use: TokenUse, now: number): Promise<Requester> {
    const revocations = this.#revocations
    const bearer = await this.#tokens.findAccess(hashed)
    if (!bearer || bearer.isDeactivated) throw unknownToken()
    if (bearer.expiresTs !== null && bearer.expiresTs <= now) {
      throw unknownToken('The access token has expired', { soft_logout: true })
    }
    const requester = toRequester(bearer)
    if (bearer.isLocked) {
      if (use.routePath === undefined || !OPEN_TO_LOCKED.has(use.routePath)) throw userLocked()
      return requester
    }
    await this.#settleTrade(bearer)
    if (revocations === this.#revocations) this.#remember(hashed, bearer, requester, use, now)
    return requester
  }

  /** The old refresh token remains valid until the new access token or refresh token is used. */
  async #settleTrade({ tradedHash }: Bearer): Promise<void> {
    if (tradedHash !== null) await this.#db.write((batch) => this.#tokens.settleTrade(batch, tradedHash))
  }

  #remember(hashed: string, bearer: Bearer, requester: Requester, use: TokenUse, now: number): void {
    const known: Known = {
      answer: Promise.resolve(requester),
      deviceNid: bearer.deviceNid,
      expiresTs: bearer.expiresTs ?? Infinity,
      seenTs: now,
      address: use.address,
    }
    this.#known.set(hashed, known)
    this.#note(known, use, now)
  }

  #note(known: Known, use: TokenUse, now: number): void {
    known.seenTs = now
    known.address = use.address
    this.#lastSeen.note(known.deviceNid, { ts: now, ip: use.address, userAgent: use.userAgent ?? null })
  }
}

function toRequester(bearer: Bearer): Requester {
  const { userId, deviceId, userNid, deviceNid, isGuest, isAdmin, isSuspended, rateLimits } = bearer
  return { userId, deviceId, userNid, deviceNid, isGuest, isAdmin, isSuspended, ...(rateLimits && limitsOf(rateLimits)) }
}

function limitsOf({ messagesPerSecond, burstCount }: RateLimitOverride): Pick<Requester, 'unlimited' | 'messageLimit'> {
  const isUnlimited = messagesPerSecond === 0
  return isUnlimited ? { unlimited: true } : { messageLimit: { perSecond: messagesPerSecond, burst: burstCount } }
}
