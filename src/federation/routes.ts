import type { Route } from '../http/route.ts'
import { type KeysQueryServices, keysQueryRoutes } from './api/keys-query.ts'
import { keysServerRoutes } from './api/keys-server.ts'
import { versionRoutes } from './api/version.ts'
import { type WellKnownServices, wellKnownRoutes } from './api/wellknown.ts'
import type { OwnKeys } from './own-keys.ts'

/** What the handlers of the server-server API use. */
export interface FederationServices extends KeysQueryServices, WellKnownServices {
  readonly ownKeys: OwnKeys
}

/** All endpoints for other servers. */
export const federationRoutes = (services: FederationServices): Route[] => [
  ...wellKnownRoutes(services),
  ...versionRoutes(),
  ...keysServerRoutes(services),
  ...keysQueryRoutes(services),
]
