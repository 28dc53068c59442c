/** Login through OpenID providers: the browser goes there and comes back with a code, which only this server can use. */
import { isUserId, type ServerName } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Logger } from '../core/logger.ts'
import { randomToken } from '../core/random.ts'
import { sameSecret } from '../core/same-secret.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { ExternalIds } from '../storage/external-ids.ts'
import type { ExternalIdentity, SsoPurpose, SsoSession, SsoSessions } from '../storage/sso-sessions.ts'
import type { ThirdPartyIds } from '../storage/third-party-ids.ts'
import type { LoginTokens } from './login-tokens.ts'
import type { OidcProvider, OidcSettings } from './oidc-provider.ts'
import type { Registration } from './register.ts'
import {
  assertClient,
  type IdentityProvider,
  refused,
  type SsoFailure,
  type SsoOutcome,
  type SsoRefusal,
  type SsoStart,
  type SsoWay,
  withToken,
} from './sso.ts'
import { hashToken } from './tokens.ts'
import type { UserInteractiveAuth } from './uia.ts'

/** Where providers send browsers back to, each with its id behind it. */
export const CALLBACK_PATH = '/_causeway/sso/callback'
export const SESSION_LASTS_MS = 15 * 60_000

/** What has come of a login. */
export type SsoEnd =
  | SsoOutcome
  /** The user has to choose a name; `mistake` is what was wrong with the last one. */
  | {
      readonly kind: 'nameless'
      readonly key: string
      readonly provider: string
      readonly name: string
      readonly mistake?: string
    }

interface Deps {
  readonly serverName: ServerName
  readonly db: Database
  readonly accounts: Accounts
  readonly externalIds: ExternalIds
  readonly ssoSessions: SsoSessions
  readonly thirdPartyIds: ThirdPartyIds
  readonly registration: Pick<Registration, 'createFor'>
  readonly loginTokens: LoginTokens
  readonly uia: UserInteractiveAuth
  readonly clock: Clock
  readonly log: Logger
  readonly providers: readonly OidcProvider[]
}

export class Oidc {
  readonly #deps: Deps
  readonly #queue = new KeyedQueue<string>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  get ways(): SsoWay[] {
    return this.#deps.providers.map((provider) => ({
      provider: publicPart(provider.settings),
      begin: (purpose, browser) => this.#begin(provider, purpose, browser),
    }))
  }

  /** The browser is back from a provider; `browser` is the secret it keeps. */
  async finish(providerId: string, answer: URLSearchParams, browser: string | undefined): Promise<SsoEnd> {
    const provider = this.#deps.providers.find(({ settings }) => settings.id === providerId)
    const state = answer.get('state') ?? ''
    const session = await this.#take(state, browser)
    if (!provider || session?.providerId !== providerId || session.step.kind !== 'away') return refused('out-of-date')
    if (answer.get('error') === 'access_denied') return refused('not-logged-in')
    let identity: ExternalIdentity
    try {
      identity = await provider.identify(answer, { state, ...session.step })
    } catch (err) {
      return this.#failed(provider, err, 'not-proven', 'The answer of an identity provider does not prove who has logged in')
    }
    return this.#welcome(provider, session, identity)
  }

  /** The user has chosen a name. */
  async chooseName(key: string, localpart: string, browser: string | undefined): Promise<SsoEnd> {
    const { providers, ssoSessions } = this.#deps
    const session = await this.#session(key, browser)
    const provider = providers.find(({ settings }) => settings.id === session?.providerId)
    if (!provider || session?.step.kind !== 'nameless') return refused('out-of-date')
    const { purpose, step } = session
    return this.#asOneOf(step.identity, async () => {
      // Another window of theirs may have been faster.
      const isNew = (await this.#owner(step.identity)) === undefined
      const remove = (batch: Batch) => ssoSessions.remove(batch, hashToken(key))
      const mistake = isNew ? await this.#create(step.identity, localpart, remove) : undefined
      if (mistake === undefined) return this.#enter(provider, purpose, step.identity)
      return { kind: 'nameless', key, provider: provider.settings.name, name: localpart, mistake }
    })
  }

  async #begin(provider: OidcProvider, purpose: SsoPurpose, known: string | undefined): Promise<SsoStart> {
    if ('redirectUrl' in purpose) assertClient(purpose.redirectUrl)
    const browser = known ?? randomToken()
    const state = randomToken()
    const secrets = { nonce: randomToken(), codeVerifier: randomToken() }
    try {
      const url = await provider.authorizationUrl({ state, ...secrets })
      await this.#keep(state, {
        providerId: provider.settings.id,
        browserHash: hashToken(browser),
        purpose,
        step: { kind: 'away', ...secrets },
      })
      return { kind: 'away', url, browser }
    } catch (err) {
      return this.#failed(provider, err, 'unreachable', 'An identity provider cannot be reached, or is not set up rightly')
    }
  }

  async #welcome(provider: OidcProvider, session: SsoSession, identity: ExternalIdentity): Promise<SsoEnd> {
    const { purpose } = session
    if ('uiaSession' in purpose) return this.#prove(provider, purpose.uiaSession, identity)
    return this.#asOneOf(identity, async () => {
      const known = await this.#owner(identity)
      if (known || (await this.#adopt(provider, identity))) return this.#enter(provider, purpose, identity)
      if (!provider.settings.allowRegistration) return this.#refuse(provider, identity, 'no-account')
      const name = identity.localpart ?? ''
      if (name !== '' && (await this.#create(identity, name)) === undefined) return this.#enter(provider, purpose, identity)
      const key = randomToken()
      await this.#keep(key, { ...session, step: { kind: 'nameless', identity } })
      return { kind: 'nameless', key, provider: provider.settings.name, name }
    })
  }

  /** One after another for the same person, who gets one account. */
  #asOneOf<T>({ issuer, subject }: ExternalIdentity, task: () => Promise<T>): Promise<T> {
    return this.#queue.run(`${issuer} ${subject}`, task)
  }

  /** Gives somebody the account of their name, where the administrator wants that. */
  async #adopt(provider: OidcProvider, identity: ExternalIdentity): Promise<boolean> {
    const { db, accounts, externalIds, serverName } = this.#deps
    if (!provider.settings.allowExistingUsers || identity.localpart === undefined) return false
    const userId = `@${identity.localpart}:${serverName}`
    const account = isUserId(userId) ? await accounts.find(userId) : undefined
    if (account?.kind !== 'user') return false
    // Names may change at the provider: what is somebody's already is not given to the next who calls themselves so.
    if (await externalIds.has(account.userNid, identity.issuer)) return false
    await db.write((batch) => externalIds.add(batch, identity.issuer, identity.subject, account.userNid))
    return true
  }

  /** Answers what is wrong with the name, if something is. */
  async #create(identity: ExternalIdentity, localpart: string, also?: (batch: Batch) => void): Promise<string | undefined> {
    const { registration, externalIds, thirdPartyIds, clock } = this.#deps
    const now = clock.now()
    const request = { localpart, displayName: identity.displayName }
    const mistake = await orMistake(
      registration.createFor(request, (batch, userNid) => {
        externalIds.add(batch, identity.issuer, identity.subject, userNid)
        if (identity.email !== undefined) {
          thirdPartyIds.add(batch, userNid, { medium: 'email', address: identity.email, validatedTs: now, addedTs: now })
        }
        also?.(batch)
      }),
    )
    return mistake?.message
  }

  async #enter(provider: OidcProvider, purpose: SsoPurpose, identity: ExternalIdentity): Promise<SsoEnd> {
    const account = await this.#owner(identity)
    if (account?.kind !== 'user' || account.isDeactivated || account.isLocked) return this.#refuse(provider, identity, 'closed')
    if (!('redirectUrl' in purpose)) return refused('out-of-date')
    const token = await this.#deps.loginTokens.issue(account.userNid)
    return { kind: 'logged-in', userId: account.userId, url: withToken(purpose.redirectUrl, token) }
  }

  /** Completes the stage; whether it was the right user is for the operation to say. */
  async #prove(provider: OidcProvider, uiaSession: string, identity: ExternalIdentity): Promise<SsoEnd> {
    const account = await this.#owner(identity)
    if (!account) return this.#refuse(provider, identity, 'no-account')
    const isKept = await this.#deps.uia.complete(uiaSession, 'm.login.sso', account.userId)
    return isKept ? { kind: 'proven' } : refused('out-of-date')
  }

  async #owner({ issuer, subject }: ExternalIdentity): Promise<Account | undefined> {
    const userNid = await this.#deps.externalIds.owner(issuer, subject)
    return userNid === undefined ? undefined : this.#deps.accounts.get(userNid)
  }

  async #keep(key: string, session: SsoSession): Promise<void> {
    const { db, ssoSessions, clock } = this.#deps
    const now = clock.now()
    await db.write((batch) => {
      ssoSessions.removeExpired(batch, now)
      ssoSessions.add(batch, hashToken(key), session, now + SESSION_LASTS_MS)
    })
  }

  /** A session of this very browser, which nobody gets a second time. */
  #take(key: string, browser: string | undefined): Promise<SsoSession | undefined> {
    return this.#queue.run(hashToken(key), async () => {
      const session = await this.#session(key, browser)
      if (session) await this.#deps.db.write((batch) => this.#deps.ssoSessions.remove(batch, hashToken(key)))
      return session
    })
  }

  async #session(key: string, browser: string | undefined): Promise<SsoSession | undefined> {
    const session = await this.#deps.ssoSessions.get(hashToken(key), this.#deps.clock.now())
    return session && browser !== undefined && sameSecret(hashToken(browser), session.browserHash) ? session : undefined
  }

  #failed(provider: OidcProvider, err: unknown, why: SsoFailure, message: string): SsoRefusal {
    this.#deps.log.warn({ provider: provider.settings.id, issuer: provider.settings.issuer, err }, message)
    return refused(why)
  }

  #refuse(provider: OidcProvider, { subject }: ExternalIdentity, why: SsoFailure): SsoRefusal {
    this.#deps.log.info(
      { provider: provider.settings.id, subject, why },
      'Somebody whom an identity provider knows may not log in',
    )
    return refused(why)
  }
}

/** What everybody may know of it. */
function publicPart({ id, name, icon, brand }: OidcSettings): IdentityProvider {
  return { id, name, ...(icon !== undefined && { icon }), ...(brand !== undefined && { brand }) }
}

/** A name that cannot be had is for the user to change. */
async function orMistake(making: Promise<void>): Promise<MatrixError | undefined> {
  try {
    await making
    return undefined
  } catch (cause) {
    if (cause instanceof MatrixError && cause.status === 400) return cause
    throw cause
  }
}
