import type { Route } from '../http/route.ts'
import { backfillRoutes } from './api/backfill.ts'
import { eventAuthRoutes } from './api/event-auth.ts'
import { type EventsServices, eventsRoutes } from './api/events.ts'
import { type InvitesServices, invitesV1Routes } from './api/invites-v1.ts'
import { invitesV2Routes } from './api/invites-v2.ts'
import { type JoinsServices, joinsV1Routes } from './api/joins-v1.ts'
import { joinsV2Routes } from './api/joins-v2.ts'
import { type KeysQueryServices, keysQueryRoutes } from './api/keys-query.ts'
import { keysServerRoutes } from './api/keys-server.ts'
import { knocksRoutes } from './api/knocks.ts'
import { type LeavingServices, leavingV1Routes } from './api/leaving-v1.ts'
import { leavingV2Routes } from './api/leaving-v2.ts'
import { type OpenIdServices, openIdRoutes } from './api/openid.ts'
import { type PublicRoomsServices, publicRoomsRoutes } from './api/public-rooms.ts'
import { type QueryServices, queryRoutes } from './api/query.ts'
import { type SpaceHierarchyServices, spaceHierarchyRoutes } from './api/space-hierarchy.ts'
import { type ThirdPartyInviteServices, thirdPartyInviteRoutes } from './api/third-party-invite.ts'
import { type TransactionsServices, transactionsRoutes } from './api/transactions.ts'
import { userDevicesRoutes } from './api/user-devices.ts'
import { type UserKeysServices, userKeysRoutes } from './api/user-keys.ts'
import { versionRoutes } from './api/version.ts'
import { type WellKnownServices, wellKnownRoutes } from './api/wellknown.ts'
import type { OwnKeys } from './own-keys.ts'

/** What it takes to be found and known by others. */
export interface IdentityServices extends KeysQueryServices, WellKnownServices {
  readonly ownKeys: OwnKeys
}

/** What the handlers of the server-server API use. */
export interface FederationServices
  extends IdentityServices,
    TransactionsServices,
    JoinsServices,
    LeavingServices,
    InvitesServices,
    EventsServices,
    QueryServices,
    OpenIdServices,
    SpaceHierarchyServices,
    PublicRoomsServices,
    ThirdPartyInviteServices,
    UserKeysServices {}

export const identityRoutes = (services: IdentityServices): Route[] => [
  ...wellKnownRoutes(services),
  ...versionRoutes(),
  ...keysServerRoutes(services),
  ...keysQueryRoutes(services),
]

/** All endpoints for other servers. */
export const federationRoutes = (services: FederationServices): Route[] => [
  ...identityRoutes(services),
  ...transactionsRoutes(services),
  ...joinsV1Routes(services),
  ...joinsV2Routes(services),
  ...leavingV1Routes(services),
  ...leavingV2Routes(services),
  ...knocksRoutes(services),
  ...invitesV1Routes(services),
  ...invitesV2Routes(services),
  ...eventsRoutes(services),
  ...eventAuthRoutes(services),
  ...backfillRoutes(services),
  ...queryRoutes(services),
  ...publicRoomsRoutes(services),
  ...openIdRoutes(services),
  ...spaceHierarchyRoutes(services),
  ...userDevicesRoutes(services),
  ...userKeysRoutes(services),
  ...thirdPartyInviteRoutes(services),
]
