/** Login through a CAS server (protocol 2): the browser brings a ticket, the CAS server says whose it is. */
import { badGateway, forbidden, invalidParam, MatrixError, userDeactivated, userLocked } from '../core/errors.ts'
import type { ServerName, UserId } from '../../schemas/ids.ts'
import type { Outbound } from '../http/outbound.ts'
import type { Account, Accounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import type { ExternalIds } from '../storage/external-ids.ts'
import type { LoginMethod } from './login.ts'
import type { LoginTokens } from './login-tokens.ts'
import type { Registration } from './register.ts'
import type { UserInteractiveAuth } from './uia.ts'
import { newUserId } from './username.ts'

export const CAS = 'cas'
/** Clients of ours know it under its v3 name too; this is the one that CAS servers are told. */
const TICKET_PATH = '/_matrix/client/r0/login/cas/ticket'
const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 20_000
/** Pages and apps that a login may end at; these are neither. */
const NO_PLACES: ReadonlySet<string> = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

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
}

export class Cas {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Where a browser logs in that is to come back to the client at `redirectUrl`. Throws M_INVALID_PARAM. */
  loginUrl(redirectUrl: string): string {
    const protocol = URL.parse(redirectUrl)?.protocol
    if (protocol === undefined || NO_PLACES.has(protocol)) throw invalidParam('redirectUrl leads to no client')
    return this.#casLogin({ redirectUrl })
  }

  /** Where a user proves who they are for a session of user-interactive authentication. */
  proofUrl(session: string): string {
    return this.#casLogin({ session })
  }

  /** Who has logged in, and the client's address with the token that completes it. */
  async logIn(ticket: string, redirectUrl: string): Promise<{ userId: UserId; url: string }> {
    this.loginUrl(redirectUrl)
    const account = await this.#account(await this.#subject(ticket, { redirectUrl }))
    return { userId: account.userId, url: withToken(redirectUrl, await this.#deps.loginTokens.issue(account.userNid)) }
  }

  /** Completes the stage of a session. Throws M_FORBIDDEN where the session is unknown. */
  async prove(ticket: string, session: string): Promise<void> {
    const { accounts, externalIds, serverName } = this.#deps
    const subject = await this.#subject(ticket, { session })
    const known = await externalIds.owner(CAS, subject)
    const account = known === undefined ? undefined : await accounts.get(known)
    const userId = account?.userId ?? newUserId(localpartFor(subject), serverName)
    if (!(await this.#deps.uia.complete(session, 'm.login.sso', userId))) throw forbidden('The session is unknown or has expired')
  }

  #casLogin(query: Record<string, string>): string {
    return `${this.#deps.casUrl}/login?service=${encodeURIComponent(this.#service(query))}`
  }

  /** The page that CAS sends the browser back to: the same words both times, or the ticket is not good. */
  #service(query: Record<string, string>): string {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    return `${this.#deps.baseUrl}${TICKET_PATH}?${pairs.join('&')}`
  }

  async #subject(ticket: string, query: Record<string, string>): Promise<string> {
    const { casUrl, outbound } = this.#deps
    const asked = new URLSearchParams({ ticket, service: this.#service(query) })
    const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }
    const answer = await outbound.request({ method: 'GET', url: `${casUrl}/proxyValidate?${asked}`, ...limits })
    if (answer.status !== 200) throw badGateway(`The CAS server has answered with ${answer.status}`)
    const subject = subjectOf(answer.body.toString('utf8'))
    if (subject === undefined) throw forbidden('The CAS server does not know this ticket')
    return subject
  }

  /** CAS rules over names: who has a name there is who has the name here, and gets the account if there is none yet. */
  async #account(subject: string): Promise<Account> {
    const { db, accounts, externalIds, serverName } = this.#deps
    const known = await externalIds.owner(CAS, subject)
    const userId = newUserId(localpartFor(subject), serverName)
    if (known === undefined) await this.#create(localpartFor(subject))
    const account = await (known === undefined ? accounts.find(userId) : accounts.get(known))
    if (account?.kind !== 'user') throw forbidden('That user cannot log in')
    if (account.isDeactivated) throw userDeactivated()
    if (account.isLocked) throw userLocked()
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

const onlyInBrowsers = () => Promise.reject(invalidParam('Log in in a browser, and come back with a token of type m.login.token'))

/** What clients are offered: today's type, and the one of CAS from before it. */
export function casLogins(): LoginMethod[] {
  return [
    { flow: { type: 'm.login.sso', identity_providers: [{ id: CAS, name: 'CAS' }] }, identify: onlyInBrowsers },
    { flow: { type: 'm.login.cas' }, identify: onlyInBrowsers },
  ]
}

/** A user name in the grammar of user IDs. https://spec.matrix.org/v1.19/appendices/#mapping-from-other-character-sets */
function localpartFor(subject: string): string {
  const bytes = [...Buffer.from(subject.toLowerCase(), 'utf8')]
  return bytes
    .map((byte) => (/[a-z0-9._\-/+]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escaped(byte)))
    .join('')
}

const escaped = (byte: number): string => `=${byte.toString(16).padStart(2, '0')}`

/** The user of a CAS answer; undefined where it is a failure. */
function subjectOf(xml: string): string | undefined {
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

function withToken(redirectUrl: string, token: string): string {
  const [place = '', ...fragment] = redirectUrl.split('#')
  const query = `${place}${place.includes('?') ? '&' : '?'}loginToken=${token}`
  return fragment.length === 0 ? query : `${query}#${fragment.join('#')}`
}
