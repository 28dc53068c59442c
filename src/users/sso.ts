/** What all ways to log in through another service have in common. https://spec.matrix.org/v1.19/client-server-api/#sso-client-loginauthentication */
import type { UserId } from '../../schemas/ids.ts'
import { invalidParam } from '../core/errors.ts'
import type { SsoPurpose } from '../storage/sso-sessions.ts'
import type { LoginMethod } from './login.ts'

/** A service through which users log in, as clients are told of it. */
export interface IdentityProvider {
  readonly id: string
  readonly name: string
  /** An `mxc://` URI. */
  readonly icon?: string
  readonly brand?: string
}

/** Why nobody has been logged in; the page for it is the edge's. */
export type SsoFailure =
  /** The service did not answer, or the server is not set up rightly for it. */
  | 'unreachable'
  /** Nothing is known of such a login in this browser: too old, used already, or begun elsewhere. */
  | 'out-of-date'
  /** The service says that the user did not log in. */
  | 'not-logged-in'
  /** What the service says does not hold. */
  | 'not-proven'
  /** The user has no account here, and gets none. */
  | 'no-account'
  /** The account is locked or deactivated, or no user's. */
  | 'closed'

export interface SsoRefusal {
  readonly kind: 'refused'
  readonly why: SsoFailure
}

export const refused = (why: SsoFailure): SsoRefusal => ({ kind: 'refused', why })

/** Where the browser goes, and the secret by which it is known again, where one is needed. */
export type SsoStart = { readonly kind: 'away'; readonly url: string; readonly browser?: string } | SsoRefusal

/** One way to log in through another service. */
export interface SsoWay {
  readonly provider: IdentityProvider
  /** `browser` is the secret that the browser has from an earlier login. */
  begin(purpose: SsoPurpose, browser: string | undefined): Promise<SsoStart>
}

/** A user who has logged in, and the client's address with the token that completes it. */
export interface LoggedIn {
  readonly userId: UserId
  readonly url: string
}

/** A login that has come to its end, for a client or for a stage of user-interactive authentication, or has come to nothing. */
export type SsoOutcome = ({ readonly kind: 'logged-in' } & LoggedIn) | { readonly kind: 'proven' } | SsoRefusal

/** Pages and apps that a login may end at; these are neither. */
const NO_PLACES: ReadonlySet<string> = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

export class SingleSignOn {
  readonly #ways: readonly SsoWay[]
  readonly #clientWhitelist: readonly string[]

  /** The clients of the whitelist are handed logins without a question. */
  constructor(ways: readonly SsoWay[], clientWhitelist: readonly string[]) {
    this.#ways = ways
    this.#clientWhitelist = clientWhitelist
  }

  get providers(): IdentityProvider[] {
    return this.#ways.map(({ provider }) => provider)
  }

  way(id: string): SsoWay | undefined {
    return this.#ways.find(({ provider }) => provider.id === id)
  }

  /** Whether the client at `redirectUrl` is one of those that the administrator knows. */
  isKnownClient(redirectUrl: string): boolean {
    return this.#clientWhitelist.some((known) => liesWithin(redirectUrl, known))
  }

  /** What clients are offered: nothing where there is no way. */
  get logins(): LoginMethod[] {
    if (this.#ways.length === 0) return []
    return [{ flow: { type: 'm.login.sso', identity_providers: this.providers }, identify: onlyInBrowsers }]
  }
}

export const onlyInBrowsers = () =>
  Promise.reject(invalidParam('Log in in a browser, and come back with a token of type m.login.token'))

/** Throws M_INVALID_PARAM for an address that no login is handed to. */
export function assertClient(redirectUrl: string): void {
  const protocol = URL.parse(redirectUrl)?.protocol
  if (protocol === undefined || NO_PLACES.has(protocol)) throw invalidParam('redirectUrl leads to no client')
}

/** If it already includes one or more `loginToken` parameters, they should be removed before adding the new one. */
export function withToken(redirectUrl: string, token: string): string {
  const [address = '', ...fragment] = redirectUrl.split('#')
  const [place = '', ...query] = address.split('?')
  const kept = query
    .join('?')
    .split('&')
    .filter((pair) => pair !== '' && !/^loginToken(?:=|$)/.test(pair))
  const whole = `${place}?${[...kept, `loginToken=${token}`].join('&')}`
  return fragment.length === 0 ? whole : `${whole}#${fragment.join('#')}`
}

/** A user name in the grammar of user IDs. https://spec.matrix.org/v1.19/appendices/#mapping-from-other-character-sets */
export function localpartFor(subject: string): string {
  const bytes = [...Buffer.from(subject.toLowerCase(), 'utf8')]
  return bytes
    .map((byte) => (/[a-z0-9._\-/+]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escaped(byte)))
    .join('')
}

const escaped = (byte: number): string => `=${byte.toString(16).padStart(2, '0')}`

/** By whole steps of the path: `https://a.example/app` is neither in `https://a.example/ap` nor at `https://a.example.evil`. */
function liesWithin(url: string, known: string): boolean {
  const [place, within] = [URL.parse(url), URL.parse(known)]
  if (!place || !within || place.protocol !== within.protocol || place.host !== within.host) return false
  if (place.username !== '' || place.password !== '') return false
  const folder = within.pathname.replace(/\/$/, '')
  return place.pathname === folder || place.pathname.startsWith(`${folder}/`)
}
