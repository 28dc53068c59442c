/** Tokens that log a user in once, within minutes. https://spec.matrix.org/v1.19/client-server-api/#token-based */
import type { JsonObject } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, missingParam } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { NEWEST_KEPT } from '../core/quotas.ts'
import { randomToken } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import type { LoginTokensTable } from '../storage/login-tokens.ts'
import type { LoginMethod } from './login.ts'
import { hashToken } from './tokens.ts'
import type { UserInteractiveAuth } from './uia.ts'

export const LOGIN_TOKEN_LASTS_MS = 120_000

interface Deps {
  readonly db: Database
  readonly accounts: Accounts
  readonly loginTokenTable: LoginTokensTable
  readonly uia: UserInteractiveAuth
  readonly clock: Clock
}

export class LoginTokens {
  readonly #deps: Deps
  /** By hash, so that a token is not used twice at once. */
  readonly #queue = new KeyedQueue<string>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A token with which another device of the requester's can log in, once they have agreed. */
  issueForOwner(requester: Requester, body: JsonObject): Promise<string> {
    let token = ''
    return this.#deps.uia
      .performAsOwner(requester, 'get login token', body, async () => {
        token = await this.issue(requester.userNid)
      })
      .then(() => token)
  }

  /** A token for a user who has been authenticated. */
  async issue(userNid: number): Promise<string> {
    const { db, loginTokenTable, clock } = this.#deps
    const token = randomToken()
    const now = clock.now()
    await db.write((batch) => {
      loginTokenTable.removeExpired(batch, now)
      loginTokenTable.add(batch, hashToken(token), userNid, now + LOGIN_TOKEN_LASTS_MS)
      loginTokenTable.removeOldest(batch, userNid, NEWEST_KEPT.loginTokens)
    })
    return token
  }

  /** Whom a token logs in; it is good for nothing afterwards. Throws M_FORBIDDEN. */
  redeem(token: string): Promise<Account> {
    const { db, accounts, loginTokenTable, clock } = this.#deps
    const hash = hashToken(token)
    return this.#queue.run(hash, async () => {
      const userNid = await loginTokenTable.owner(hash, clock.now())
      const account = userNid === undefined ? undefined : await accounts.get(userNid)
      if (!account || account.isDeactivated) throw forbidden('The login token is unknown or has expired')
      await db.write((batch) => loginTokenTable.remove(batch, hash))
      return account
    })
  }
}

export function tokenLogin(tokens: LoginTokens): LoginMethod {
  return {
    // If true, the homeserver supports the m.login.token type for the tokens of POST /login/get_token.
    flow: { type: 'm.login.token', get_login_token: true },
    identify: async ({ token }) => {
      if (token === undefined) throw missingParam('The token is missing')
      return tokens.redeem(token)
    },
  }
}
