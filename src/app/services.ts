import type { ServerName } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/logger.ts'
import type { Worker } from '../core/worker.ts'
import type { Outbound } from '../http/outbound.ts'
import { SharedSecretRegistration } from '../users/shared-secret.ts'
import { createAccounts } from './accounts.ts'
import { createFederation, createFederationServices, createTransport } from './federation.ts'
import { createRoomServices } from './room-services.ts'
import { createRoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'
import { createSync, createUserStreams } from './sync.ts'

/** What a server is made of, before it is. */
export interface Foundation {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly storage: Storage
  /** For what goes to other servers. */
  readonly outbound: Outbound
  /** Aborts when the server stops. */
  readonly signal: AbortSignal
}

export type Services = ReturnType<typeof createServices>

/** Everything that handlers use and everything that works by itself, in the order in which it is built. */
export function createServices({ config, clock, log, storage, outbound, signal }: Foundation) {
  const federationLog = log.logger('federation')
  const core = createRoomCore(config.serverName as ServerName, clock, storage)
  const transport = createTransport(config, clock, storage, outbound)
  const federation = createFederation(config, clock, federationLog, storage, core, transport)
  const rooms = createRoomServices(config, clock, storage, core, federation.remoteRooms)
  const accounts = createAccounts(config, clock, storage, {
    remoteProfiles: federation.remoteProfiles,
    onProfileChanged: (userId, field) => rooms.profileChanges.propagate(userId, field),
    leaveAllRooms: (userId) => rooms.deactivation.leaveAll(userId),
    deviceListeners: [],
  })
  const streams = createUserStreams(clock, storage, core, federation.eduSender, signal)
  const sync = createSync(config, clock, storage, core, streams, federation.signedPdus, [])
  const workers: Worker[] = [accounts.lastSeen, federation.federationSender]
  return {
    workers,
    authenticateServer: transport.authenticateServer,
    federation: createFederationServices(config, clock, federationLog, storage, core, transport, federation, rooms, streams),
    federationSender: federation.federationSender,
    client: {
      ...storage,
      ...core,
      ...rooms,
      ...accounts,
      ...streams,
      ...sync,
      publicBaseUrl: config.publicBaseUrl,
      support: config.wellKnown.support,
      defaultRoomVersion: config.rooms.defaultVersion,
    },
    sharedSecret: new SharedSecretRegistration({
      secret: config.registration.sharedSecret,
      registration: accounts.registration,
      clock,
    }),
  }
}
