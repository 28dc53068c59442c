/** An OpenID provider on this machine, over TLS: discovery, keys, authorization with PKCE, tokens and user info. */
import { createPublicKey, generateKeyPairSync, hash, randomUUID, sign } from 'node:crypto'
import { createDevCa } from '../../src/core/dev-ca.ts'
import { type WebAnswer, type WebRequest, webServer } from './web-server.ts'

export const CLIENT_ID = 'causeway'
export const CLIENT_SECRET = 'a secret: with %'

/** What the provider says of the user who logs in next, and where it lies. */
export interface ProviderMood {
  claims: Record<string, unknown>
  /** Over the claims of the ID token. */
  idToken: Record<string, unknown>
  /** The issuer that the answer to the browser names. */
  iss: string | undefined
  /** Signs with a key that it does not publish. */
  isForged: boolean
  isDown: boolean
}

interface Grant {
  readonly redirectUri: string
  readonly nonce: string
  readonly challenge: string
}

/** Disposing stops it. */
export async function oidcProvider() {
  const authority = await createDevCa()
  const { certificatePem: cert, keyPem: key } = await authority.issue(['127.0.0.1'])
  const keys = newKey()
  const forger = newKey()
  const mood: ProviderMood = { claims: {}, idToken: {}, iss: undefined, isForged: false, isDown: false }
  const grants = new Map<string, Grant>()
  let issuer = ''

  const metadata = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  })

  /** The user logs in at once and is sent back. */
  const authorize = ({ url: { searchParams: asked } }: WebRequest): WebAnswer => {
    const code = randomUUID()
    const redirectUri = asked.get('redirect_uri') ?? ''
    grants.set(code, { redirectUri, nonce: asked.get('nonce') ?? '', challenge: asked.get('code_challenge') ?? '' })
    const answer = new URLSearchParams({ code, state: asked.get('state') ?? '', iss: mood.iss ?? issuer })
    return { status: 302, headers: { location: `${redirectUri}?${answer}` }, body: '' }
  }

  const token = ({ headers, body }: WebRequest): WebAnswer => {
    const form = new URLSearchParams(body)
    const code = form.get('code') ?? ''
    const grant = grants.get(code)
    grants.delete(code)
    const [id, secret] = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64')
      .toString()
      .split(':')
    const isClient = id === CLIENT_ID && decodeURIComponent((secret ?? '').replaceAll('+', ' ')) === CLIENT_SECRET
    const isProven = grant?.challenge === hash('sha256', form.get('code_verifier') ?? '', 'base64url')
    if (!grant || !isClient || !isProven || grant.redirectUri !== form.get('redirect_uri')) {
      return { status: 400, body: { error: 'invalid_grant' } }
    }
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, aud: CLIENT_ID, sub: mood.claims['sub'], iat: now, exp: now + 60, nonce: grant.nonce }
    const idToken = jwt({ ...claims, ...mood.idToken }, mood.isForged ? forger : keys)
    return { body: { access_token: 'at the provider', token_type: 'Bearer', id_token: idToken } }
  }

  const pages: Readonly<Record<string, (request: WebRequest) => WebAnswer>> = {
    '/.well-known/openid-configuration': () => ({ body: metadata() }),
    '/keys': () => ({ body: { keys: [{ ...keys.jwk, kid: 'one', alg: 'RS256', use: 'sig' }] } }),
    '/authorize': authorize,
    '/token': token,
    '/userinfo': () => ({ body: mood.claims }),
  }
  const server = await webServer(
    (request) => {
      if (mood.isDown) return { status: 503, body: 'down' }
      return pages[request.url.pathname]?.(request) ?? { status: 404, body: '' }
    },
    { cert, key },
  )
  issuer = `https://127.0.0.1:${server.port}`
  return {
    issuer,
    authorityPem: authority.certificatePem,
    mood,
    requests: server.requests,
    /** Logs in at the address that the browser was sent to; gives the one that it is sent back to. */
    logIn: (location: string): string => {
      const { headers } = authorize({ method: 'GET', url: new URL(location), headers: {}, body: '' })
      return headers?.['location'] ?? ''
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

type Key = ReturnType<typeof newKey>

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { privateKey, jwk: createPublicKey(privateKey).export({ format: 'jwk' }) }
}

function jwt(claims: object, { privateKey }: Key): string {
  const parts = [{ alg: 'RS256', typ: 'JWT', kid: 'one' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const text = parts.join('.')
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
}
