/** https://spec.matrix.org/v1.19/client-server-api/#legacy-account-registration */
import type { BodyOf, ResponseOf } from '../../schemas/endpoint.ts'
import type { register } from '../../schemas/client/registration.ts'
import { localpartOf, type DeviceId, type ServerName, type UserId } from '../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { exclusive, forbidden, invalidUsername, missingParam, unauthorised, userInUse } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { randomLetters } from '../core/random.ts'
import type { AccountKind, Accounts } from '../storage/accounts.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Names } from '../storage/names.ts'
import type { ProfileFields } from '../storage/profiles.ts'
import type { RegistrationTokens } from '../storage/registration-tokens.ts'
import type { Tokens } from '../storage/tokens.ts'
import { assertUsablePassword } from './password.ts'
import type { PasswordHasher } from './password-hasher.ts'
import type { Credentials, SessionRequest, Sessions } from './sessions.ts'
import { hashToken } from './tokens.ts'
import type { Flows, Grant, UserInteractiveAuth } from './uia.ts'
import { isGood } from './uia-stages.ts'
import { newUserId } from './username.ts'

export type RegisterRequest = BodyOf<typeof register>
export type RegisterAnswer = ResponseOf<typeof register>

const REGISTRATION_TOKEN = 'm.login.registration_token'

export interface RegistrationOptions {
  /** Anybody may register who completes one of `flows`. */
  readonly enabled: boolean
  readonly allowGuests: boolean
  readonly flows: Flows
}

interface Deps {
  readonly db: Database
  readonly names: Names
  readonly accounts: Accounts
  readonly profiles: ProfileFields
  readonly tokens: Tokens
  readonly registrationTokens: RegistrationTokens
  readonly sessions: Sessions
  readonly uia: UserInteractiveAuth
  readonly hasher: PasswordHasher
  readonly clock: Clock
  readonly serverName: ServerName
  readonly options: RegistrationOptions
  /** True for user IDs that an application service keeps for itself. */
  readonly isReserved: (userId: UserId) => boolean
}

/** An account to be made. */
interface AccountRequest {
  readonly userId: UserId
  readonly kind: AccountKind
  readonly passwordHash: string | null
  readonly isAdmin?: boolean
  /** Defaults to the localpart. */
  readonly displayName?: string | undefined
  /** A guest of this nid becomes the account. */
  readonly upgradeOf?: number | undefined
  /** Undefined where the user is not logged in at once. */
  readonly session: SessionRequest | undefined
  /** Adds to the write that makes the account. */
  readonly also?: (batch: Batch) => void
}

/** An account that an administrator makes. */
export interface CreateAccount {
  readonly localpart: string
  /** Without one, nobody can log in with a password. */
  readonly password?: string | undefined
  readonly kind?: AccountKind
  readonly admin?: boolean
  readonly displayName?: string | undefined
  /** Logs the user in. */
  readonly session?: SessionRequest | undefined
}

export class Registration {
  readonly #deps: Deps
  /** By user ID, so that nobody takes a name between the check that it is free and the write; and by registration token. */
  readonly #queue = new KeyedQueue<string>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Registers a user by user-interactive authentication. Throws M_FORBIDDEN where registration is closed. */
  async register(request: RegisterRequest): Promise<RegisterAnswer> {
    const { uia, options } = this.#deps
    if (!options.enabled) throw forbidden('Registration is closed on this server')
    const isContinued = request.auth !== undefined && stringAt(request.auth, 'session') !== undefined
    if (request.username !== undefined) {
      const userId = this.#newUserId(request.username)
      // Homeservers MUST perform the relevant checks and return these codes before performing User-Interactive Authentication.
      if (!isContinued) await this.#assertFree(userId, await this.#guestOf(request.guest_access_token))
    }
    const operation = { id: 'register', flows: options.flows, parameters: await this.#parameters(request) }
    return uia.perform(operation, request.auth, (grant) => this.#complete(grant, request.guest_access_token))
  }

  /** Registers a guest, of whom nothing but the device's name is asked. */
  async registerGuest(request: RegisterRequest): Promise<RegisterAnswer> {
    if (!this.#deps.options.allowGuests) throw forbidden('Guests are not allowed on this server')
    const session = { displayName: request.initial_device_display_name, refreshable: request.refresh_token }
    return this.#create({ userId: this.#randomUserId(), kind: 'guest', passwordHash: null, session })
  }

  /** Throws M_USER_IN_USE, M_INVALID_USERNAME or M_EXCLUSIVE for a name that cannot be had. */
  async assertAvailable(username: string): Promise<void> {
    if (!this.#deps.options.enabled) throw forbidden('Registration is closed on this server')
    await this.#assertFree(this.#newUserId(username), undefined)
  }

  /** False until the first account is made; guests do not count. */
  hasAccounts(): Promise<boolean> {
    return this.#deps.accounts.any()
  }

  /** Makes an account whatever the rules for registration are. Throws M_USER_IN_USE, M_INVALID_USERNAME, M_WEAK_PASSWORD. */
  async createAccount(request: CreateAccount): Promise<RegisterAnswer> {
    const { localpart, password, kind = 'user', admin = false, displayName, session } = request
    const userId = newUserId(localpart, this.#deps.serverName)
    const passwordHash = password === undefined ? null : await this.#hash(password)
    return this.#create({ userId, kind, passwordHash, isAdmin: admin, displayName, session })
  }

  /** Makes the first account, an administrator's. Throws M_FORBIDDEN when there are accounts already. */
  createFirstAdmin(request: Pick<CreateAccount, 'localpart' | 'password' | 'session'>): Promise<RegisterAnswer> {
    return this.#queue.run('first admin', async () => {
      if (await this.hasAccounts()) throw forbidden('The server has been set up already')
      return this.createAccount({ ...request, admin: true })
    })
  }

  async #parameters(request: RegisterRequest): Promise<JsonObject> {
    const { username, password, device_id, initial_device_display_name, inhibit_login, refresh_token } = request
    const parameters: JsonObject = password === undefined ? {} : { password_hash: await this.#hash(password) }
    for (const [key, value] of Object.entries({
      username,
      device_id,
      initial_device_display_name,
      inhibit_login,
      refresh_token,
    })) {
      if (value !== undefined) parameters[key] = value
    }
    return parameters
  }

  async #complete({ parameters, completed, outcome, keep }: Grant, guestToken: string | undefined): Promise<RegisterAnswer> {
    const session = parameters.inhibit_login === true ? undefined : sessionRequestOf(parameters)
    const registered = outcome === undefined ? undefined : await this.#deps.accounts.find(outcome as UserId)
    if (registered) return this.#logInAgain(registered, session)
    const passwordHash = stringAt(parameters, 'password_hash')
    if (passwordHash === undefined) throw missingParam('The password is missing')
    const username = stringAt(parameters, 'username')
    const userId = username === undefined ? this.#randomUserId() : this.#newUserId(username)
    const upgradeOf = await this.#guestOf(guestToken)
    const make = (also?: (batch: Batch) => void) =>
      this.#create({
        userId,
        kind: 'user',
        passwordHash,
        session,
        upgradeOf,
        also: (batch) => {
          keep(batch, userId)
          also?.(batch)
        },
      })
    const token = completed[REGISTRATION_TOKEN]
    return typeof token === 'string' ? this.#spend(token, make) : make()
  }

  /** The client has not got the answer to its first request. */
  async #logInAgain(user: { userNid: number; userId: UserId }, session: SessionRequest | undefined): Promise<RegisterAnswer> {
    const { sessions } = this.#deps
    return this.#answer(user.userId, session && (await sessions.exclusively(user.userNid, () => sessions.open(user, session))))
  }

  /** Counts a use of a registration token, and throws M_UNAUTHORIZED if all were used up in the meantime. */
  #spend(token: string, make: (also: (batch: Batch) => void) => Promise<RegisterAnswer>): Promise<RegisterAnswer> {
    const { registrationTokens, clock } = this.#deps
    return this.#queue.run(`token ${token}`, async () => {
      const found = await registrationTokens.get(token)
      if (!found || !isGood(found, clock.now())) throw unauthorised('The registration token is not valid any more')
      return make((batch) => registrationTokens.countUse(batch, token))
    })
  }

  #create(account: AccountRequest): Promise<RegisterAnswer> {
    const { db, names, sessions } = this.#deps
    return this.#queue.run(account.userId, async () => {
      await this.#assertFree(account.userId, account.upgradeOf)
      if (account.upgradeOf !== undefined) return this.#upgrade(account, account.upgradeOf)
      const nids = await names.resolve([account.userId])
      const credentials = await db.write((batch) => {
        const user = { userNid: nids.nid(batch, account.userId), userId: account.userId }
        this.#addAccount(batch, user.userNid, account)
        account.also?.(batch)
        return account.session && sessions.openNew(batch, user, account.session)
      })
      return this.#answer(account.userId, credentials)
    })
  }

  #addAccount(batch: Batch, userNid: number, { userId, kind, passwordHash, isAdmin = false, displayName }: AccountRequest): void {
    const { accounts, profiles, clock } = this.#deps
    accounts.add(batch, { userNid, kind, passwordHash, isAdmin, createdTs: clock.now() })
    profiles.set(batch, userNid, 'displayname', displayName ?? localpartOf(userId))
  }

  /** Guest users can also upgrade their account by going through the ordinary `register` flow. */
  #upgrade({ userId, passwordHash, session, also }: AccountRequest, userNid: number): Promise<RegisterAnswer> {
    const { accounts, sessions } = this.#deps
    return sessions.exclusively(userNid, async () => {
      await sessions.closeAll({ userNid, userId }, undefined, (batch) => {
        accounts.upgrade(batch, userNid, passwordHash)
        also?.(batch)
      })
      return this.#answer(userId, session && (await sessions.open({ userNid, userId }, session)))
    })
  }

  /** The guest that a `guest_access_token` stands for. */
  async #guestOf(token: string | undefined): Promise<number | undefined> {
    if (token === undefined) return undefined
    const bearer = await this.#deps.tokens.findAccess(hashToken(token))
    if (!bearer?.isGuest) throw forbidden('The token is not the access token of a guest')
    return bearer.userNid
  }

  #newUserId(username: string): UserId {
    const userId = newUserId(username, this.#deps.serverName)
    if (this.#deps.isReserved(userId)) throw exclusive()
    return userId
  }

  #randomUserId(): UserId {
    return newUserId(randomLetters(16), this.#deps.serverName)
  }

  async #assertFree(userId: UserId, upgradeOf: number | undefined): Promise<void> {
    const account = await this.#deps.accounts.find(userId)
    if (upgradeOf === undefined) {
      if (account) throw userInUse()
    } else if (account?.userNid !== upgradeOf || account.kind !== 'guest') {
      throw invalidUsername('A guest keeps the user name')
    }
  }

  #hash(password: string): Promise<string> {
    assertUsablePassword(password)
    return this.#deps.hasher.hash(password)
  }

  #answer(userId: UserId, credentials: Credentials | undefined): RegisterAnswer {
    return { user_id: userId, ...credentials, home_server: this.#deps.serverName }
  }
}

function sessionRequestOf(parameters: JsonObject): SessionRequest {
  return {
    deviceId: stringAt(parameters, 'device_id') as DeviceId | undefined,
    displayName: stringAt(parameters, 'initial_device_display_name'),
    refreshable: parameters.refresh_token === true,
  }
}

/**
 * The flows of registration. Each ends with a stage that proves something about the user, or with `m.login.dummy`
 * where nothing needs to be proven.
 */
export function registrationFlows(options: { requireVerification: boolean; recaptcha: boolean; email: boolean }): Flows {
  const last = options.email ? [['m.login.email.identity']] : []
  if (!options.requireVerification || options.recaptcha) last.unshift(['m.login.dummy'])
  else last.push([REGISTRATION_TOKEN])
  return options.recaptcha ? last.map((flow) => ['m.login.recaptcha', ...flow]) : last
}
