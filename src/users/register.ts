/** https://spec.matrix.org/v1.19/client-server-api/#legacy-account-registration */
import type { BodyOf, ResponseOf } from '../../schemas/endpoint.ts'
import type { register } from '../../schemas/client/registration.ts'
import type { DeviceId, ServerName, UserId } from '../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, missingParam, unauthorised } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { AccountKind, Accounts } from '../storage/accounts.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Names } from '../storage/names.ts'
import type { ProfileFields } from '../storage/profiles.ts'
import type { RegistrationTokens } from '../storage/registration-tokens.ts'
import type { ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { Tokens } from '../storage/tokens.ts'
import type { Validations } from '../storage/validations.ts'
import { AccountCreation, type AccountRequest } from './account-creation.ts'
import { assertUsablePassword } from './password.ts'
import type { PasswordHasher } from './password-hasher.ts'
import type { Credentials, SessionRequest, Sessions, User } from './sessions.ts'
import { hashToken } from './tokens.ts'
import type { Flows, Grant, UserInteractiveAuth } from './uia.ts'
import { EMAIL_STAGE, isGood, provenEmail } from './uia-stages.ts'
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
  readonly thirdPartyIds: ThirdPartyIds
  readonly validations: Validations
  readonly sessions: Sessions
  readonly uia: UserInteractiveAuth
  readonly hasher: PasswordHasher
  readonly clock: Clock
  readonly serverName: ServerName
  readonly options: RegistrationOptions
  /** True for user IDs that an application service keeps for itself. */
  readonly isReserved: (userId: UserId) => boolean
}

/** An account that an administrator makes. */
export interface CreateAccount {
  readonly localpart: string
  /** Without one, nobody can log in with a password. */
  readonly password?: string | undefined
  readonly kind?: AccountKind
  readonly admin?: boolean
  /** Defaults to the localpart. */
  readonly displayName?: string | undefined
  /** Logs the user in. */
  readonly session?: SessionRequest | undefined
}

export class Registration {
  readonly #deps: Deps
  readonly #creation: AccountCreation
  /** By registration token, so that its last use is made once; and for the first account. */
  readonly #queue = new KeyedQueue<string>()

  constructor(deps: Deps) {
    this.#deps = deps
    this.#creation = new AccountCreation(deps)
  }

  /** The stages that users have to pass; undefined where registration is closed. */
  get flows(): Flows | undefined {
    const { enabled, flows } = this.#deps.options
    return enabled ? flows : undefined
  }

  /** Registers a user by user-interactive authentication. Throws M_FORBIDDEN where registration is closed. */
  async register(request: RegisterRequest): Promise<RegisterAnswer> {
    this.#assertOpen()
    const isContinued = request.auth !== undefined && stringAt(request.auth, 'session') !== undefined
    // Homeservers MUST perform the relevant checks and return these codes before performing User-Interactive Authentication.
    if (request.username !== undefined && !isContinued) {
      const userId = this.#creation.userIdFor(request.username)
      await this.#creation.assertFree(userId, await this.#guestOf(request.guest_access_token))
    }
    const operation = {
      id: 'register',
      flows: this.#deps.options.flows,
      proofFor: 'register' as const,
      parameters: await this.#parameters(request),
    }
    return this.#deps.uia.perform(operation, request.auth, (grant) => this.#complete(grant, request.guest_access_token))
  }

  /** Registers a guest, of whom nothing but the device's name is asked. */
  async registerGuest(request: RegisterRequest): Promise<RegisterAnswer> {
    if (!this.#deps.options.allowGuests) throw forbidden('Guests are not allowed on this server')
    const session = { displayName: request.initial_device_display_name, refreshable: request.refresh_token }
    return this.#create({ userId: this.#creation.randomUserId(), kind: 'guest', passwordHash: null, session })
  }

  /** Throws M_USER_IN_USE, M_INVALID_USERNAME or M_EXCLUSIVE for a name that cannot be had. */
  async assertAvailable(username: string): Promise<void> {
    this.#assertOpen()
    await this.#creation.assertFree(this.#creation.userIdFor(username), undefined)
  }

  /** True for a registration token that still lets somebody register. */
  async isGoodToken(text: string): Promise<boolean> {
    const token = await this.#deps.registrationTokens.get(text)
    return token !== undefined && isGood(token, this.#deps.clock.now())
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

  /**
   * Makes an account without a password for somebody who has logged in elsewhere; `also` adds to the same write.
   * Throws M_USER_IN_USE, M_INVALID_USERNAME or M_EXCLUSIVE.
   */
  async createFor(
    { localpart, displayName }: Pick<CreateAccount, 'localpart' | 'displayName'>,
    also: (batch: Batch, userNid: number) => void,
  ): Promise<void> {
    const userId = this.#creation.userIdFor(localpart)
    await this.#create({ userId, kind: 'user', passwordHash: null, displayName, session: undefined, also })
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
    const userId = username === undefined ? this.#creation.randomUserId() : this.#creation.userIdFor(username)
    const upgradeOf = await this.#guestOf(guestToken)
    return this.#spending(completed[REGISTRATION_TOKEN], (countUse) =>
      this.#create({
        userId,
        kind: 'user',
        passwordHash,
        session,
        upgradeOf,
        also: (batch, userNid) => {
          keep(batch, userId)
          countUse?.(batch)
          this.#addEmail(batch, userNid, completed)
        },
      }),
    )
  }

  /** The address that was proven on the way belongs to the account. */
  #addEmail(batch: Batch, userNid: number, completed: Grant['completed']): void {
    const { thirdPartyIds, validations, clock } = this.#deps
    const proof = provenEmail(completed)
    if (!proof) return
    thirdPartyIds.add(batch, userNid, { ...proof, addedTs: clock.now() })
    validations.remove(batch, proof.sid)
  }

  /** The client has not got the answer to its first request. */
  async #logInAgain(user: User, session: SessionRequest | undefined): Promise<RegisterAnswer> {
    const { sessions } = this.#deps
    return this.#answer(user.userId, session && (await sessions.exclusively(user.userNid, () => sessions.open(user, session))))
  }

  /** Where a registration token was the way in, its use counts; throws M_UNAUTHORIZED if it is used up in the meantime. */
  async #spending<T>(token: unknown, make: (countUse?: (batch: Batch) => void) => Promise<T>): Promise<T> {
    if (typeof token !== 'string') return make()
    return this.#queue.run(`token ${token}`, async () => {
      if (!(await this.isGoodToken(token))) throw unauthorised('The registration token is not valid any more')
      return make((batch) => this.#deps.registrationTokens.countUse(batch, token))
    })
  }

  async #create(account: AccountRequest): Promise<RegisterAnswer> {
    return this.#answer(account.userId, await this.#creation.create(account))
  }

  /** The guest that a `guest_access_token` stands for. */
  async #guestOf(token: string | undefined): Promise<number | undefined> {
    if (token === undefined) return undefined
    const bearer = await this.#deps.tokens.findAccess(hashToken(token))
    if (!bearer?.isGuest) throw forbidden('The token is not the access token of a guest')
    return bearer.userNid
  }

  #hash(password: string): Promise<string> {
    assertUsablePassword(password)
    return this.#deps.hasher.hash(password)
  }

  #assertOpen(): void {
    if (!this.#deps.options.enabled) throw forbidden('Registration is closed on this server')
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
export function registrationFlows(options: {
  requireVerification: boolean
  recaptcha: boolean
  email: boolean
  terms?: boolean
}): Flows {
  const last = options.email ? [[EMAIL_STAGE]] : []
  if (!options.requireVerification || options.recaptcha) last.unshift(['m.login.dummy'])
  else last.push([REGISTRATION_TOKEN])
  const first = [...(options.recaptcha ? ['m.login.recaptcha'] : []), ...(options.terms ? ['m.login.terms'] : [])]
  return last.map((flow) => [...first, ...flow])
}
