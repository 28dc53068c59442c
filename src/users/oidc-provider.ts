/** One OpenID provider: discovered, asked for a code, and its answer checked. https://openid.net/specs/openid-connect-core-1_0.html */
import type * as openidClient from 'openid-client'
import type { Outbound } from '../http/outbound.ts'
import type { ExternalIdentity } from '../storage/sso-sessions.ts'
import { canonicalEmail, isEmail } from './email-address.ts'
import { MAX_DISPLAY_NAME_LENGTH } from './profile.ts'
import { type IdentityProvider, localpartFor } from './sso.ts'

export interface OidcSettings extends IdentityProvider {
  readonly issuer: string
  readonly clientId: string
  /** A client without one is a public client; it proves itself by PKCE alone. */
  readonly clientSecret?: string | undefined
  readonly scopes: readonly string[]
  /** Names of the claims that tell about the user. */
  readonly claims: { readonly localpart: string; readonly displayName: string; readonly email: string }
  /** Whoever comes for the first time gets an account. */
  readonly allowRegistration: boolean
  /** Whoever comes for the first time and has the name of an account here gets that account. */
  readonly allowExistingUsers: boolean
}

/** What ties the provider's answer to the question. */
export interface Challenge {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** Loaded when somebody logs in this way: most servers have no use for the memory. */
const loadClient = (): Promise<typeof openidClient> => import('openid-client')

const MAX_BYTES = 1024 * 1024
const TIMEOUT_MS = 20_000

export class OidcProvider {
  readonly settings: OidcSettings
  /** Of this server and for this provider alone, so that no other provider's answer is taken for its. */
  readonly redirectUri: string
  readonly #outbound: Pick<Outbound, 'request'>
  #configuration: Promise<openidClient.Configuration> | undefined

  constructor(settings: OidcSettings, redirectUri: string, outbound: Pick<Outbound, 'request'>) {
    this.settings = settings
    this.redirectUri = redirectUri
    this.#outbound = outbound
  }

  /** Where the user logs in. Throws where the provider cannot be discovered. */
  async authorizationUrl({ state, nonce, codeVerifier }: Challenge): Promise<string> {
    const oidc = await loadClient()
    const url = oidc.buildAuthorizationUrl(await this.#discovered(), {
      redirect_uri: this.redirectUri,
      scope: this.settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    })
    return url.href
  }

  /** Who has logged in, by the query with which the browser came back. Throws where that is not proven. */
  async identify(answer: URLSearchParams, { state, nonce, codeVerifier }: Challenge): Promise<ExternalIdentity> {
    const oidc = await loadClient()
    const configuration = await this.#discovered()
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(`${this.redirectUri}?${answer}`), {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    })
    const idToken = tokens.claims()
    if (!idToken) throw new Error('The provider has sent no ID token')
    // The ID token is signed; what it has to say goes before what the user info endpoint says.
    const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined
    const more = hasMore ? await oidc.fetchUserInfo(configuration, tokens.access_token, idToken.sub) : {}
    return this.#identityOf(idToken, { ...more, ...idToken })
  }

  #identityOf({ iss, sub }: openidClient.IDToken, claims: Readonly<Record<string, unknown>>): ExternalIdentity {
    const { claims: names } = this.settings
    const isVerified = claims['email_verified'] === true
    // Whoever may write anything there could take somebody else's name with it.
    const text = (name: string) => (name === names.email && !isVerified ? '' : textOf(claims[name]))
    const [name, displayName, email] = [text(names.localpart), text(names.displayName), text(names.email)]
    return {
      issuer: iss,
      subject: sub,
      ...(name !== '' && { localpart: localpartFor(name) }),
      ...(displayName !== '' && { displayName: displayName.slice(0, MAX_DISPLAY_NAME_LENGTH) }),
      ...(isEmail(email) && { email: canonicalEmail(email) }),
    }
  }

  /** What the provider publishes about itself is read once; a failure is not kept. */
  #discovered(): Promise<openidClient.Configuration> {
    this.#configuration ??= this.#discover().catch((cause: unknown) => {
      this.#configuration = undefined
      throw cause
    })
    return this.#configuration
  }

  async #discover(): Promise<openidClient.Configuration> {
    const oidc = await loadClient()
    const { issuer, clientId, clientSecret } = this.settings
    const isLocal = new URL(issuer).protocol === 'http:'
    return oidc.discovery(new URL(issuer), clientId, {}, clientSecret === undefined ? oidc.None() : proof(oidc, clientSecret), {
      [oidc.customFetch]: (url, options) => this.#fetch(url, options),
      timeout: TIMEOUT_MS / 1000,
      // Signatures are checked even where TLS would tell whose the ID token is.
      execute: [oidc.enableNonRepudiationChecks, ...(isLocal ? [oidc.allowInsecureRequests] : [])],
    })
  }

  /** By the server's own client: its address ranges, authorities and limits hold here too. */
  async #fetch(url: string, { method, headers, body, signal }: openidClient.CustomFetchOptions): Promise<Response> {
    const answer = await this.#outbound.request({
      method: method === 'POST' ? 'POST' : 'GET',
      url,
      headers,
      ...(body instanceof URLSearchParams && { body: body.toString() }),
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      ...(signal && { signal }),
    })
    const type = answer.headers['content-type']
    return new Response(answer.body.length === 0 ? null : Uint8Array.from(answer.body), {
      status: answer.status,
      headers: type === undefined ? {} : { 'content-type': type },
    })
  }
}

/** As the provider wants the secret: unless it says otherwise, in the Authorization header. */
function proof(oidc: typeof openidClient, clientSecret: string): openidClient.ClientAuth {
  return (server, client, body, headers) => {
    const wanted = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const method = wanted.includes('client_secret_basic') ? oidc.ClientSecretBasic : oidc.ClientSecretPost
    method(clientSecret)(server, client, body, headers)
  }
}

const textOf = (claim: unknown): string => (typeof claim === 'string' ? claim.trim() : '')
