/** Every endpoint of the server-server API that is declared, file by file in the order of the specification's own files. */
import type { Endpoint } from '../endpoint.ts'
import * as backfill from './backfill.ts'
import * as contentRepository from './content-repository.ts'
import * as eventAuth from './event-auth.ts'
import * as events from './events.ts'
import * as invitesV1 from './invites-v1.ts'
import * as invitesV2 from './invites-v2.ts'
import * as joinsV1 from './joins-v1.ts'
import * as joinsV2 from './joins-v2.ts'
import * as keysQuery from './keys-query.ts'
import * as keysServer from './keys-server.ts'
import * as knocks from './knocks.ts'
import * as leavingV1 from './leaving-v1.ts'
import * as leavingV2 from './leaving-v2.ts'
import * as openid from './openid.ts'
import * as publicRooms from './public-rooms.ts'
import * as query from './query.ts'
import * as roomPolicy from './room-policy.ts'
import * as spaceHierarchy from './space-hierarchy.ts'
import * as thirdPartyInvite from './third-party-invite.ts'
import * as transactions from './transactions.ts'
import * as userDevices from './user-devices.ts'
import * as userKeys from './user-keys.ts'
import * as version from './version.ts'
import * as wellknown from './wellknown.ts'

export const serverEndpoints: readonly Endpoint[] = [
  backfill,
  contentRepository,
  eventAuth,
  events,
  invitesV1,
  invitesV2,
  joinsV1,
  joinsV2,
  keysQuery,
  keysServer,
  knocks,
  leavingV1,
  leavingV2,
  openid,
  publicRooms,
  query,
  roomPolicy,
  spaceHierarchy,
  thirdPartyInvite,
  transactions,
  userDevices,
  userKeys,
  version,
  wellknown,
].flatMap((api): Endpoint[] => Object.values(api))
