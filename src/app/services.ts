import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Worker } from '../core/worker.ts'
import type { Names } from '../http/names.ts'
import type { Outbound } from '../http/outbound.ts'
import { presenceEdus } from '../federation/inbound/presence-edu.ts'
import { deviceEdus } from '../federation/inbound/device-edus.ts'
import { remoteDevices } from '../federation/outbound/devices.ts'
import { inviteExchange } from '../federation/outbound/third-party-invites.ts'
import { ThirdPartyInvites } from '../rooms/third-party-invites.ts'
import { SharedSecretRegistration } from '../users/shared-secret.ts'
import { TurnServers } from '../users/turn.ts'
import { requestToSign, signRequest } from '../protocol/xmatrix.ts'
import { createAccounts } from './accounts.ts'
import { createDeviceLists, createDevices, createDeviceStreams } from './devices.ts'
import { createDirectories } from './directories.ts'
import { createFederation, createFederationServices, createTransport } from './federation.ts'
import { createOldSync } from './old-sync.ts'
import { createPresence } from './presence.ts'
import { createRoomServices } from './room-services.ts'
import { createRoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'
import { createSlidingSync, createSync, createSyncSockets, createUserStreams } from './sync.ts'

/** What a server is made of, before it is. */
export interface Foundation {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly storage: Storage
  readonly names: Names
  /** For what goes to other servers. */
  readonly outbound: Outbound
  /** For everything else that the server calls. */
  readonly outboundHttp: Outbound
  /** Aborts when the server stops. */
  readonly signal: AbortSignal
}

export type Services = ReturnType<typeof createServices>

/** Everything that handlers use and everything that works by itself. */
export function createServices(foundation: Foundation) {
  const { config, clock, log, storage } = foundation
  const parts = createParts(foundation)
  const { core, transport, federation, streams, rooms, directories, accounts, thirdPartyInvites, devices, presence } = parts
  return {
    workers: workersOf(parts),
    authenticateServer: transport.authenticateServer,
    federation: createFederationServices(config, clock, log.logger('federation'), storage, core, transport, federation, rooms, {
      ...streams,
      ...devices,
      ...directories,
      thirdPartyInvites,
      eduHandlers: { ...deviceEdus(devices), ...presenceEdus(presence.presence) },
    }),
    federationSender: federation.federationSender,
    client: {
      ...storage,
      ...core,
      ...rooms,
      ...accounts,
      ...streams,
      ...parts.sync,
      ...devices,
      ...parts.deviceStreams,
      ...presence,
      ...parts.oldSync,
      ...parts.sliding,
      syncSockets: parts.syncSockets,
      ...directories,
      thirdPartyInvites,
      serverName: config.serverName,
      publicBaseUrl: config.publicBaseUrl,
      livekitServiceUrls: config.rtc.livekitServiceUrls,
      turnServers: new TurnServers(clock, config.turn),
      support: config.wellKnown.support,
      delayedEventLimits: config.delayedEvents,
      defaultRoomVersion: config.rooms.defaultVersion,
    },
    sharedSecret: new SharedSecretRegistration({
      secret: config.registration.sharedSecret,
      registration: accounts.registration,
      clock,
    }),
  }
}

/** The parts of the server, in the order in which they are built on one another. */
function createParts({ config, clock, log, metrics, storage, names, outbound, outboundHttp, signal }: Foundation) {
  const deviceLists = createDeviceLists(config, storage)
  const transport = createTransport(config, clock, storage, outbound, names)
  const core = createRoomCore(config.serverName, clock, storage, transport.policySigner, (from) => metrics.eventAccepted(from))
  const federation = createFederation(config, clock, log.logger('federation'), storage, core, transport)
  const streams = createUserStreams(clock, storage, core, federation.eduSender, signal)
  const rooms = createRoomServices(config, clock, storage, core, federation.remoteRooms, streams.pushRules, log.logger('rooms'))
  const directories = createDirectories(config, clock, storage, core, rooms, transport.client)
  const accounts = createAccounts(config, clock, storage, {
    remoteProfiles: federation.remoteProfiles,
    onProfileChanged: async (userId, field) => {
      await directories.userDirectory.profileChanged(userId)
      await rooms.profileChanges.propagate(userId, field)
      await presence.presence.profileChanged(userId)
    },
    leaveAllRooms: (userId) => rooms.deactivation.leaveAll(userId),
    outbound: outboundHttp,
    log: log.logger('accounts'),
    signCall: (method, uri, destination, body) =>
      signRequest(requestToSign(method, uri, config.serverName, destination, body), transport.signingKey),
    deviceListeners: [deviceLists, directories.userPushers, storage.transactions, storage.dehydratedDevicesTable],
  })
  const thirdPartyInvites = new ThirdPartyInvites({
    ...storage,
    ...core,
    ...rooms,
    ...accounts,
    serverName: config.serverName,
    logger: log.logger('rooms'),
    exchangeAt: inviteExchange(transport.client),
  })
  const devices = createDevices(config, clock, storage, deviceLists, accounts, remoteDevices(transport.client))
  const deviceStreams = createDeviceStreams(storage, core, streams.notifier, devices)
  const presence = createPresence(config, clock, storage, federation.federationSender)
  const sync = createSync(config, clock, storage, core, streams, federation.signedPdus, deviceStreams, [presence.presenceStream])
  const syncSockets = createSyncSockets(config, clock, log.logger('sync'), storage, streams, sync)
  accounts.accessTokens.onForget((deviceNid) => syncSockets.tokenChanged(deviceNid))
  const sliding = createSlidingSync(clock, storage, core, streams, sync, { ...rooms, ...deviceStreams, ...presence })
  const oldSync = createOldSync(clock, storage, core, rooms, streams, sync.filters, presence)
  return {
    core,
    transport,
    federation,
    streams,
    rooms,
    directories,
    accounts,
    thirdPartyInvites,
    devices,
    deviceStreams,
    presence,
    sync,
    syncSockets,
    oldSync,
    sliding,
  }
}

/** What works by itself, from the start of the server to its end. */
function workersOf({
  core,
  rooms,
  accounts,
  federation,
  devices,
  presence,
  directories,
  syncSockets,
}: ReturnType<typeof createParts>): Worker[] {
  return [
    accounts.lastSeen,
    federation.federationSender,
    devices.deviceAnnouncer,
    devices.deviceListResyncs,
    presence.presence,
    syncSockets,
    directories.searchIndex,
    core.crowdedRooms,
    rooms.delayedSender,
  ]
}
