import type { ServerName } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { SharedSecretRegistration } from '../users/shared-secret.ts'
import { createAccounts } from './accounts.ts'
import { isolatedProfiles, isolatedRooms } from './isolated.ts'
import { createRoomServices } from './room-services.ts'
import { createRoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'
import { createSync, createUserStreams } from './sync.ts'

export type Services = ReturnType<typeof createServices>

/** Everything that the handlers of clients use, in the order in which it is built. */
export function createServices(config: Config, clock: Clock, storage: Storage, signal: AbortSignal) {
  const core = createRoomCore(config.serverName as ServerName, clock, storage)
  const rooms = createRoomServices(config, clock, storage, core, isolatedRooms)
  const accounts = createAccounts(config, clock, storage, {
    remoteProfiles: isolatedProfiles,
    onProfileChanged: (userId, field) => rooms.profileChanges.propagate(userId, field),
    leaveAllRooms: (userId) => rooms.deactivation.leaveAll(userId),
    deviceListeners: [],
  })
  const streams = createUserStreams(clock, storage, core, { send: () => {} }, signal)
  const sync = createSync(config, clock, storage, core, streams, [])
  return {
    ...storage,
    ...core,
    ...rooms,
    ...accounts,
    ...streams,
    ...sync,
    sharedSecret: new SharedSecretRegistration({
      secret: config.registration.sharedSecret,
      registration: accounts.registration,
      clock,
    }),
    publicBaseUrl: config.publicBaseUrl,
    support: config.wellKnown.support,
    defaultRoomVersion: config.rooms.defaultVersion,
  }
}
