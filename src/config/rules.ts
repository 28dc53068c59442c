/** What a single key cannot tell: settings that contradict each other, and settings that work but are unwise. */
import type { Config } from './schema.ts'

/** Contradictions: the server does not start with them. */
export function contradictions(config: Config): string[] {
  const places = config.listeners.map((listener) => `${listener.address} port ${listener.port}`)
  const taken = places.find((place, index) => !place.endsWith(' port 0') && places.indexOf(place) < index)
  const waysIn = [...(config.sso.cas ? ['cas'] : []), ...config.sso.oidc.map(({ id }) => id)]
  const contacts = config.wellKnown.support?.contacts ?? []
  return [
    ...when(config.database.url !== undefined, 'database.url: PostgreSQL is not available yet, use database.path'),
    ...when(new Set(waysIn).size < waysIn.length, 'sso.oidc: two ways to log in have the same id'),
    ...when(config.listeners.length === 0, 'listeners: at least one is needed'),
    ...when(taken !== undefined, `listeners: ${taken} is there twice`),
    ...when(
      contacts.some((contact) => contact.matrixId === undefined && contact.emailAddress === undefined),
      'well_known.support.contacts: each needs matrix_id or email_address',
    ),
    ...when(
      config.wellKnown.support !== undefined && contacts.length === 0 && config.wellKnown.support.supportPage === undefined,
      'well_known.support: needs contacts or support_page',
    ),
  ]
}

/** What an operator should know; the server starts all the same. */
export function warnings(config: Config): string[] {
  const { registration, federation, publicBaseUrl } = config
  const served = new Set(config.listeners.flatMap((listener) => listener.resources))
  const unverified = registration.enabled && !registration.requireVerification && registration.recaptcha?.required !== true
  const plain = config.sso.oidc.find(({ issuer }) => issuer.startsWith('http:') && !isLocal(new URL(issuer).hostname))
  return [
    ...when(
      plain !== undefined,
      `sso.oidc: the issuer ${plain?.issuer} is asked unencrypted: whoever is on the way can log in as anybody`,
    ),
    ...when(unverified, 'registration is open to everybody without any check: robots will find it'),
    ...when(config.password.hashCost === 'minimal', 'password.hash_cost is minimal: stolen password hashes are easily guessed'),
    ...when(!config.rateLimits.enabled, 'rate_limits are off: one client can keep the server busy'),
    ...when(
      !config.outboundHttp.verifyTls,
      'outbound_http.verify_tls is off: whoever is on the way can read and change what the server sends',
    ),
    ...withoutEffect(config).map((key) => `${key} has no effect in this version`),
    ...when(federation.enabled && !served.has('federation'), 'federation is enabled but no listener has the resource federation'),
    ...when(!served.has('client'), 'no listener has the resource client: nobody can log in'),
    ...when(
      publicBaseUrl.startsWith('http:') && !isLocal(new URL(publicBaseUrl).hostname),
      `public_base_url is ${publicBaseUrl}: passwords and messages would travel unencrypted`,
    ),
  ]
}

/** Settings that are switched on and do nothing: an operator would wait for them in vain. */
function withoutEffect({ media, rooms, serverNotices, appServices }: Config): string[] {
  return [
    ...when(media.urlPreview.enabled, 'media.url_preview'),
    ...when(media.allowUnauthenticated, 'media.allow_unauthenticated'),
    ...when(rooms.ephemeralMessages, 'rooms.ephemeral_messages'),
    ...when(serverNotices !== undefined, 'server_notices'),
    ...when(appServices.length > 0, 'app_services'),
  ]
}

const when = (condition: boolean, message: string): string[] => (condition ? [message] : [])
const isLocal = (host: string): boolean => host === 'localhost' || host.startsWith('127.') || host === '[::1]'
