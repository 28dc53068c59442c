/** https://spec.matrix.org/v1.19/client-server-api/#openid */
import type { UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { missingToken, unknownToken } from '../core/errors.ts'
import { NEWEST_KEPT } from '../core/quotas.ts'
import { randomToken } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { OpenIdTokens } from '../storage/openid-tokens.ts'
import { hashToken } from './tokens.ts'

export const OPENID_LASTS_MS = 3_600_000

export interface OpenIdParts {
  db: Database
  clock: Clock
  openIdTokens: OpenIdTokens
}

/** Tokens that prove to others who a user is, and are good for nothing else. */
export class OpenId {
  readonly #parts: OpenIdParts

  constructor(parts: OpenIdParts) {
    this.#parts = parts
  }

  /** A new token of the requester's, which lasts for `OPENID_LASTS_MS`. */
  async issue({ userNid }: Requester): Promise<string> {
    const { db, clock, openIdTokens } = this.#parts
    const token = randomToken()
    const now = clock.now()
    await db.write((batch) => {
      openIdTokens.removeExpired(batch, now)
      openIdTokens.add(batch, hashToken(token), userNid, now + OPENID_LASTS_MS)
      openIdTokens.removeOldest(batch, userNid, NEWEST_KEPT.openIdTokens)
    })
    return token
  }

  /** Whose token it is. @throws {MatrixError} M_MISSING_TOKEN, M_UNKNOWN_TOKEN */
  async ownerOf(token: string | undefined): Promise<UserId> {
    if (token === undefined) throw missingToken()
    const found = await this.#parts.openIdTokens.find(hashToken(token))
    if (!found || found.expiresTs <= this.#parts.clock.now()) throw unknownToken('The token is unknown or has expired')
    return found.userId
  }
}
