import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { UserDirectory } from '../rooms/user-directory.ts'
import { OpenId } from '../users/openid.ts'
import { UserPushers } from '../users/pushers.ts'
import { OutboundSpaces } from '../federation/outbound/spaces.ts'
import type { FederationClient } from '../federation/client.ts'
import { InboundSpaces } from '../federation/inbound/spaces.ts'
import { RoomOverviews } from '../rooms/overviews.ts'
import { EventSearch } from '../rooms/search.ts'
import { SearchIndex } from '../rooms/search-index.ts'
import { Spaces } from '../rooms/spaces.ts'
import type { RoomCore } from './rooms.ts'
import type { RoomServices } from './room-services.ts'
import type { Storage } from './storage.ts'

/** How users and rooms are found and known, and where users want to hear of things. */
export function createDirectories(
  config: Config,
  clock: Clock,
  storage: Storage,
  core: RoomCore,
  rooms: RoomServices,
  client: FederationClient,
) {
  const { serverName } = config
  const searchIndex = new SearchIndex({ ...storage, clock })
  const overviews = new RoomOverviews({ ...storage, ...core, ...rooms, serverName })
  return {
    openId: new OpenId({ ...storage, clock }),
    userPushers: new UserPushers({ ...storage, clock }),
    spaces: new Spaces({ ...rooms, serverName, clock, overviews, remoteSpaces: new OutboundSpaces(client) }),
    searchIndex,
    eventSearch: new EventSearch({ ...storage, ...core, searchIndex }),
    inboundSpaces: new InboundSpaces({ overviews }),
    userDirectory: new UserDirectory({ ...storage, ...rooms, serverName }),
  }
}
