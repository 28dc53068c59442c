/** The secret by which a browser that has been sent elsewhere is known again: whoever else comes with its links is not it. */
import { SESSION_LASTS_MS } from '../../users/oidc.ts'

const SECRET = /^[\w-]{43}$/

/** The secret that a request brings. */
export function browserOf(request: { header(name: string): string | undefined }, baseUrl: string): string | undefined {
  const prefix = `${nameAt(baseUrl)}=`
  const pair = request
    .header('cookie')
    ?.split(/; */)
    .find((cookie) => cookie.startsWith(prefix))
  const secret = pair?.slice(prefix.length)
  return secret !== undefined && SECRET.test(secret) ? secret : undefined
}

/** Sent along when a link of another site leads here, as that of the identity provider does, but not with its forms. */
export function browserCookie(secret: string, baseUrl: string): { 'Set-Cookie': string } {
  const attributes = [
    'Path=/',
    `Max-Age=${SESSION_LASTS_MS / 1000}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(isSecure(baseUrl) ? ['Secure'] : []),
  ]
  return { 'Set-Cookie': [`${nameAt(baseUrl)}=${secret}`, ...attributes].join('; ') }
}

/** With this prefix browsers take it from this very host only, over TLS. */
const nameAt = (baseUrl: string): string => (isSecure(baseUrl) ? '__Host-causeway-sso' : 'causeway-sso')
const isSecure = (baseUrl: string): boolean => baseUrl.startsWith('https:')
