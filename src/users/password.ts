import { isUserId, localpartOf, serverOf, type ServerName, type UserId } from '../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../schemas/json.ts'
import { invalidParam, weakPassword } from '../core/errors.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import type { ThirdPartyIds } from '../storage/third-party-ids.ts'
import { canonicalEmail } from './email-address.ts'
import type { PasswordHasher } from './password-hasher.ts'

const MAX_PASSWORD_LENGTH = 512

/** Throws where an account cannot be given this password. */
export function assertUsablePassword(password: string): void {
  if (password === '') throw weakPassword('The password is empty')
  if (password.length > MAX_PASSWORD_LENGTH) throw invalidParam(`The password is longer than ${MAX_PASSWORD_LENGTH} characters`)
}

/** Checks who is who by their password. */
export class Passwords {
  readonly #serverName: ServerName
  readonly #accounts: Accounts
  readonly #thirdPartyIds: ThirdPartyIds
  readonly #hasher: PasswordHasher

  constructor({
    serverName,
    accounts,
    thirdPartyIds,
    hasher,
  }: {
    serverName: ServerName
    accounts: Accounts
    thirdPartyIds: ThirdPartyIds
    hasher: PasswordHasher
  }) {
    this.#serverName = serverName
    this.#accounts = accounts
    this.#thirdPartyIds = thirdPartyIds
    this.#hasher = hasher
  }

  /**
   * The account that a user identifier names, if the password is right. Says nothing, and takes as long, where it is
   * wrong and where there is no such account. https://spec.matrix.org/v1.19/client-server-api/#identifier-types
   */
  async check(identifier: JsonObject, password: string): Promise<Account | undefined> {
    const account = await this.identify(identifier)
    return (await this.isRight(account, password)) ? account : undefined
  }

  async isRight(account: Account | undefined, password: string): Promise<boolean> {
    // A longer one was never set.
    return password.length <= MAX_PASSWORD_LENGTH && this.#hasher.matches(password, account?.passwordHash ?? null)
  }

  /** The account that a user identifier names. */
  async identify(identifier: JsonObject): Promise<Account | undefined> {
    const type = stringAt(identifier, 'type')
    if (type === 'm.id.thirdparty') return this.#byAddress(identifier)
    if (type !== 'm.id.user') return undefined
    const userId = this.#localUserId(stringAt(identifier, 'user') ?? '')
    return userId === undefined ? undefined : this.#accounts.find(userId)
  }

  async #byAddress(identifier: JsonObject): Promise<Account | undefined> {
    const address = stringAt(identifier, 'address')
    if (stringAt(identifier, 'medium') !== 'email' || address === undefined) return undefined
    const owner = await this.#thirdPartyIds.owner({ medium: 'email', address: canonicalEmail(address) })
    return owner && this.#accounts.get(owner.userNid)
  }

  /** User IDs of ours are lower-case, however they are typed in. */
  #localUserId(user: string): UserId | undefined {
    const userId = user.startsWith('@') ? user : `@${user}:${this.#serverName}`
    if (!isUserId(userId) || serverOf(userId) !== this.#serverName) return undefined
    return `@${localpartOf(userId).toLowerCase()}:${this.#serverName}` as UserId
  }
}

/** The user identifier of a request to log in or of a password stage, in its present form or one from before 2018. */
export function identifierOf(request: JsonObject): JsonObject {
  const { identifier, user, medium, address } = request
  if (typeof identifier === 'object' && identifier !== null && !Array.isArray(identifier)) return identifier
  if (typeof user === 'string') return { type: 'm.id.user', user }
  return { type: 'm.id.thirdparty', medium: medium ?? null, address: address ?? null }
}
