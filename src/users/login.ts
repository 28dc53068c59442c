/** https://spec.matrix.org/v1.19/client-server-api/#legacy-login */
import type { BodyOf, ResponseOf } from '../../schemas/endpoint.ts'
import type { getLoginFlows, login } from '../../schemas/client/login.ts'
import type { ServerName } from '../../schemas/ids.ts'
import { forbidden, missingParam, unknownLoginType, userLocked } from '../core/errors.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import { identifierOf, type Passwords } from './password.ts'
import type { Sessions } from './sessions.ts'

export type LoginRequest = BodyOf<typeof login>
export type LoginAnswer = ResponseOf<typeof login>
export type LoginFlow = ResponseOf<typeof getLoginFlows>['flows'][number]

/** A way to log in. */
export interface LoginMethod {
  /** What clients are told of it; its `type` is what they ask for. */
  readonly flow: LoginFlow
  /** Who logs in; throws M_FORBIDDEN where that is not proven. */
  identify(request: LoginRequest): Promise<Account>
}

interface Deps {
  readonly serverName: ServerName
  readonly accounts: Accounts
  readonly sessions: Sessions
  /** In the order in which clients are offered them. */
  readonly methods: readonly LoginMethod[]
}

export class Login {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  get flows(): LoginFlow[] {
    return this.#deps.methods.map(({ flow }) => flow)
  }

  /** Opens a session. Throws M_UNKNOWN for a type that is not offered and M_FORBIDDEN for who is not who they say. */
  async logIn(request: LoginRequest): Promise<LoginAnswer> {
    const method = this.#deps.methods.find(({ flow }) => flow.type === request.type)
    if (!method) throw unknownLoginType()
    const account = await method.identify(request)
    if (account.isLocked) throw userLocked()
    return this.#deps.sessions.exclusively(account.userNid, async () => {
      await this.#assertUnchanged(account)
      const credentials = await this.#deps.sessions.open(account, {
        deviceId: request.device_id,
        displayName: request.initial_device_display_name,
        refreshable: request.refresh_token,
      })
      return { user_id: account.userId, ...credentials, home_server: this.#deps.serverName }
    })
  }

  /** A password that was changed, or an account that was closed, while it was being checked opens no session. */
  async #assertUnchanged({ userNid, passwordHash }: Account): Promise<void> {
    const account = await this.#deps.accounts.get(userNid)
    if (!account || account.isDeactivated || account.passwordHash !== passwordHash)
      throw forbidden('The password has just been changed')
  }
}

export function passwordLogin(passwords: Passwords): LoginMethod {
  return {
    flow: { type: 'm.login.password' },
    identify: async (request) => {
      if (request.password === undefined) throw missingParam('The password is missing')
      const account = await passwords.check(identifierOf({ ...request }), request.password)
      if (!account) throw forbidden('The user name or the password is wrong')
      return account
    },
  }
}
