/** https://spec.matrix.org/v1.19/client-server-api/#account-moderation */
import type { UserId } from '../../schemas/ids.ts'
import { notFound } from '../core/errors.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import type { Batch } from '../storage/database.ts'
import type { RateLimitOverride, RateLimitOverrides } from '../storage/rate-limit-overrides.ts'
import type { Sessions } from './sessions.ts'

interface Deps {
  readonly accounts: Accounts
  readonly rateLimitOverrides: RateLimitOverrides
  readonly sessions: Sessions
}

/** What administrators may do to an account short of closing it. Each throws M_NOT_FOUND where there is no account. */
export class AccountModeration {
  readonly #accounts: Accounts
  readonly #rateLimitOverrides: RateLimitOverrides
  readonly #sessions: Sessions

  constructor({ accounts, rateLimitOverrides, sessions }: Deps) {
    this.#accounts = accounts
    this.#rateLimitOverrides = rateLimitOverrides
    this.#sessions = sessions
  }

  async accountOf(userId: UserId): Promise<Account> {
    const account = await this.#accounts.find(userId)
    if (!account || account.isDeactivated) throw notFound('There is no such user')
    return account
  }

  setLocked(userId: UserId, isLocked: boolean): Promise<void> {
    return this.#change(userId, (batch, userNid) => this.#accounts.setLocked(batch, userNid, isLocked))
  }

  setSuspended(userId: UserId, isSuspended: boolean): Promise<void> {
    return this.#change(userId, (batch, userNid) => this.#accounts.setSuspended(batch, userNid, isSuspended))
  }

  setAdmin(userId: UserId, isAdmin: boolean): Promise<void> {
    return this.#change(userId, (batch, userNid) => this.#accounts.setAdmin(batch, userNid, isAdmin))
  }

  /** Undefined where the configured limits hold. */
  async rateLimitsOf(userId: UserId): Promise<RateLimitOverride | undefined> {
    return this.#rateLimitOverrides.get((await this.accountOf(userId)).userNid)
  }

  setRateLimits(userId: UserId, override: RateLimitOverride | undefined): Promise<void> {
    return this.#change(userId, (batch, userNid) => {
      if (override) this.#rateLimitOverrides.set(batch, userNid, override)
      else this.#rateLimitOverrides.remove(batch, userNid)
    })
  }

  async #change(userId: UserId, write: (batch: Batch, userNid: number) => void): Promise<void> {
    const { userNid } = await this.accountOf(userId)
    await this.#sessions.exclusively(userNid, () => this.#sessions.change(userNid, (batch) => write(batch, userNid)))
  }
}
