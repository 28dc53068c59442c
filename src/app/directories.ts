import type { ServerName } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { UserDirectory } from '../rooms/user-directory.ts'
import { OpenId } from '../users/openid.ts'
import { UserPushers } from '../users/pushers.ts'
import type { RoomServices } from './room-services.ts'
import type { Storage } from './storage.ts'

/** How users are found and known, and where they want to hear of things. */
export function createDirectories(config: Config, clock: Clock, storage: Storage, rooms: RoomServices) {
  const serverName = config.serverName as ServerName
  return {
    openId: new OpenId({ ...storage, clock }),
    userPushers: new UserPushers({ ...storage, clock }),
    userDirectory: new UserDirectory({ ...storage, ...rooms, serverName }),
  }
}
