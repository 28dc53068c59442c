/** Login through a CAS server (protocol 2): the browser brings a ticket, the CAS server says whose it is. */
import { MatrixError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { randomToken } from '../core/random.ts'
import type { ServerName } from '../../schemas/ids.ts'
import type { Outbound } from '../http/outbound.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import type { ExternalIds } from '../storage/external-ids.ts'
import type { SsoPurpose } from '../storage/sso-sessions.ts'
import type { LoginMethod } from './login.ts'
import type { LoginTokens } from './login-tokens.ts'
import type { Registration } from './register.ts'
import {
  assertClient,
  localpartFor,
  onlyInBrowsers,
  refused,
  type SsoOutcome,
  type SsoRefusal,
  type SsoStart,
  type SsoWay,
  withToken,
} from './sso.ts'
import { hashToken } from './tokens.ts'
import type { UserInteractiveAuth } from './uia.ts'
import { newUserId } from './username.ts'

const CAS = 'cas'
/** Clients of ours know it under its v3 name too; this is the one that CAS servers are told. */
const TICKET_PATH = '/_matrix/client/r0/login/cas/ticket'
const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 20_000

interface Deps {
  /** Without a slash at the end. */
  readonly casUrl: string
  /** Of this server, without a slash at the end. */
  readonly baseUrl: string
  readonly serverName: ServerName
  readonly outbound: Pick<Outbound, 'request'>
  readonly db: Database
  readonly accounts: Accounts
  readonly externalIds: ExternalIds
  readonly registration: Pick<Registration, 'createAccount'>
  readonly loginTokens: LoginTokens
  readonly uia: UserInteractiveAuth
  readonly log: Logger
}

export class Cas implements SsoWay {
  readonly provider = { id: CAS, name: 'CAS' }
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Throws M_INVALID_PARAM where no client can be at `redirectUrl`. */
  async begin(purpose: SsoPurpose, known: string | undefined): Promise<SsoStart> {
    if ('redirectUrl' in purpose) {
      const { redirectUrl } = purpose
      assertClient(redirectUrl)
      return { kind: 'away', url: this.#loginUrl({ redirectUrl }) }
    }
    const browser = known ?? randomToken()
    return { kind: 'away', url: this.#loginUrl(provenBy(purpose.uiaSession, browser)), browser }
  }

  /** Who has logged in, and where the client is. Throws M_INVALID_PARAM where no client can be there. */
  async logIn(ticket: string, redirectUrl: string): Promise<SsoOutcome> {
    assertClient(redirectUrl)
    const subject = await this.#subject(ticket, { redirectUrl })
    if (typeof subject !== 'string') return subject
    const account = await this.#account(subject)
    if (!account) return refused('closed')
    const url = withToken(redirectUrl, await this.#deps.loginTokens.issue(account.userNid))
    return { kind: 'logged-in', userId: account.userId, url }
  }

  /** Completes the stage of a session, in the browser that has begun it by the user's own click. */
  async prove(ticket: string, session: string, browser: string | undefined): Promise<SsoOutcome> {
    const { accounts, externalIds, serverName } = this.#deps
    const subject = await this.#subject(ticket, browser === undefined ? { session } : provenBy(session, browser))
    // A ticket that nobody here has asked for is good for nothing, and spent now.
    if (browser === undefined) return refused('out-of-date')
    if (typeof subject !== 'string') return subject
    const known = await externalIds.owner(CAS, subject)
    const account = known === undefined ? undefined : await accounts.get(known)
    const userId = account?.userId ?? newUserId(localpartFor(subject), serverName)
    return (await this.#deps.uia.complete(session, 'm.login.sso', userId)) ? { kind: 'proven' } : refused('out-of-date')
  }

  #loginUrl(query: Record<string, string>): string {
    return `${this.#deps.casUrl}/login?service=${encodeURIComponent(this.#service(query))}`
  }

  /** The page that CAS sends the browser back to: the same words both times, or the ticket is not good. */
  #service(query: Record<string, string>): string {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    return `${this.#deps.baseUrl}${TICKET_PATH}?${pairs.join('&')}`
  }

  /** Whose a ticket is. */
  async #subject(ticket: string, query: Record<string, string>): Promise<string | SsoRefusal> {
    const { log } = this.#deps
    // A CAS server may repeat in its answer what it does not know: that must not look like an answer.
    if (/[<>&]/.test(ticket)) return refused('not-proven')
    const answer = await this.#validate(ticket, query)
    if (typeof answer !== 'string') {
      log.warn({ provider: CAS, err: answer }, 'The CAS server cannot be reached, or is not set up rightly')
      return refused('unreachable')
    }
    const subject = subjectOf(answer)
    if (subject !== undefined) return subject
    log.warn({ provider: CAS }, 'The CAS server does not know a ticket, or has given it to a service in place of a user')
    return refused('not-proven')
  }

  /** What the CAS server says of a ticket, or what went wrong. */
  async #validate(ticket: string, query: Record<string, string>): Promise<string | Error> {
    const { casUrl, outbound } = this.#deps
    const asked = new URLSearchParams({ ticket, service: this.#service(query) })
    const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }
    try {
      const { status, body } = await outbound.request({ method: 'GET', url: `${casUrl}/proxyValidate?${asked}`, ...limits })
      return status === 200 ? body.toString('utf8') : new Error(`The CAS server has answered with ${status}`)
    } catch (err) {
      return err instanceof Error ? err : new Error(String(err))
    }
  }

  /**
   * CAS rules over names: who has a name there is who has the name here, and gets the account if there is none yet. Undefined
   * where nobody may log in to it.
   */
  async #account(subject: string): Promise<Account | undefined> {
    const { db, accounts, externalIds, serverName } = this.#deps
    const known = await externalIds.owner(CAS, subject)
    const userId = newUserId(localpartFor(subject), serverName)
    if (known === undefined) await this.#create(localpartFor(subject))
    const account = await (known === undefined ? accounts.find(userId) : accounts.get(known))
    if (account?.kind !== 'user' || account.isDeactivated || account.isLocked) return undefined
    if (known === undefined) await db.write((batch) => externalIds.add(batch, CAS, subject, account.userNid))
    return account
  }

  async #create(localpart: string): Promise<void> {
    try {
      await this.#deps.registration.createAccount({ localpart })
    } catch (cause) {
      if (!(cause instanceof MatrixError && cause.errcode === 'M_USER_IN_USE')) throw cause
    }
  }
}

/** Only the browser that has the secret comes back with a ticket for this. */
const provenBy = (session: string, browser: string) => ({ session, browser: hashToken(browser) })

/** What clients from before `m.login.sso` are offered. */
export const casLogin: LoginMethod = { flow: { type: 'm.login.cas' }, identify: onlyInBrowsers }

/** The user of a CAS answer; undefined where it is a failure, or where a service has got the ticket and not the user's browser. */
function subjectOf(xml: string): string | undefined {
  if (/authenticationFailure/.test(xml)) return undefined
  // `proxyValidate` takes proxy tickets too, and names the services that they came through.
  if (/<(?:[\w-]+:)?proxies[\s>]/.test(xml)) return undefined
  const success = /<(?:[\w-]+:)?authenticationSuccess[\s>]/.exec(xml)
  const user = success && /<(?:[\w-]+:)?user>([^<]+)</.exec(xml.slice(success.index))
  return user?.[1] === undefined ? undefined : unescapeXml(user[1].trim())
}

const ENTITIES = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

function unescapeXml(text: string): string {
  return text.replace(/&(\w+);/g, (whole, name: string) => ENTITIES.get(name) ?? whole)
}
