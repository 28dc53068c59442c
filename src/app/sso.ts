import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Outbound } from '../http/outbound.ts'
import { Cas } from '../users/cas.ts'
import type { LoginTokens } from '../users/login-tokens.ts'
import { CALLBACK_PATH, Oidc } from '../users/oidc.ts'
import { OidcProvider } from '../users/oidc-provider.ts'
import type { Registration } from '../users/register.ts'
import { SingleSignOn } from '../users/sso.ts'
import type { UserInteractiveAuth } from '../users/uia.ts'
import type { Storage } from './storage.ts'

interface Parts {
  readonly storage: Storage
  readonly clock: Clock
  readonly log: Logger
  readonly outbound: Pick<Outbound, 'request'>
  readonly registration: Registration
  readonly loginTokens: LoginTokens
  readonly uia: UserInteractiveAuth
}

/** Login through CAS and OpenID providers, in the order in which clients offer them. */
export function createSingleSignOn({ sso, serverName, publicBaseUrl: baseUrl }: Config, { storage, ...parts }: Parts) {
  const common = { ...storage, ...parts, serverName, baseUrl }
  const casUrl = sso.cas?.serverUrl.replace(/\/+$/, '')
  const cas = casUrl === undefined ? undefined : new Cas({ ...common, casUrl })
  const providers = sso.oidc.map(
    (settings) => new OidcProvider(settings, `${baseUrl}${CALLBACK_PATH}/${encodeURIComponent(settings.id)}`, parts.outbound),
  )
  const oidc = new Oidc({ ...common, providers })
  return { cas, oidc, sso: new SingleSignOn([...(cas ? [cas] : []), ...oidc.ways], sso.clientWhitelist) }
}

/** Whether anybody can log in through another service. */
export const offersSso = ({ sso }: Config): boolean => sso.cas !== undefined || sso.oidc.length > 0
