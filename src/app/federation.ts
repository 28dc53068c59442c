import { openSigningKeys } from '../config/signing-key.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { PROGRAM_NAME, programVersion } from '../core/version.ts'
import { serverAuthenticator } from '../federation/authenticate.ts'
import { FederationClient } from '../federation/client.ts'
import type { OpenIdServices } from '../federation/api/openid.ts'
import type { SpaceHierarchyServices } from '../federation/api/space-hierarchy.ts'
import type { UserKeysServices } from '../federation/api/user-keys.ts'
import { RoomAccess } from '../federation/inbound/access.ts'
import { type EduHandlers, EduReceiver, roomEdus } from '../federation/inbound/edus.ts'
import { Handshakes } from '../federation/inbound/handshakes.ts'
import { InboundHistory } from '../federation/inbound/history.ts'
import { InboundInvites } from '../federation/inbound/invites.ts'
import { InboundJoins } from '../federation/inbound/joins.ts'
import { LeavesAndKnocks } from '../federation/inbound/leaves-and-knocks.ts'
import { RescindedInvites } from '../federation/inbound/rescinded-invites.ts'
import { ServedEvents } from '../federation/inbound/served-events.ts'
import { TransactionReceiver } from '../federation/inbound/transaction.ts'
import { keyFetcher } from '../federation/key-fetcher.ts'
import { KeyRing } from '../federation/key-ring.ts'
import { KeyNotary } from '../federation/notary.ts'
import { Backfill } from '../federation/outbound/backfill.ts'
import { RemoteDirectory } from '../federation/outbound/directory.ts'
import { OutboundJoins } from '../federation/outbound/joins.ts'
import { OutboundMemberships } from '../federation/outbound/memberships.ts'
import { Templates } from '../federation/outbound/templates.ts'
import { OwnKeys } from '../federation/own-keys.ts'
import { PduChecks } from '../federation/pdus.ts'
import { FederationHistory } from '../federation/outbound/history.ts'
import { PolicySignatures } from '../federation/outbound/policy-servers.ts'
import { remoteRooms } from '../federation/outbound/remote-rooms.ts'
import { type DnsResolver, ServerResolver } from '../federation/resolve-server.ts'
import { RetryGate } from '../federation/retry-gate.ts'
import type { FederationServices } from '../federation/routes.ts'
import { RoomEduSender } from '../federation/sender/room-edus.ts'
import { SignedPdus } from '../federation/sender/signed-pdus.ts'
import { FederationSender } from '../federation/sender/worker.ts'
import { SignatureChecks } from '../federation/signature-checks.ts'
import { eventVerifier } from '../federation/verify-events.ts'
import type { Outbound } from '../http/outbound.ts'
import type { Receipts } from '../rooms/receipts.ts'
import type { ThirdPartyInvites } from '../rooms/third-party-invites.ts'
import type { Typing } from '../rooms/typing.ts'
import type { RoomServices } from './room-services.ts'
import { createReceipt, type RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'

/** A server is tried again after about a second at first. */
const FIRST_RETRY_MS = 1_000

export type Transport = ReturnType<typeof createTransport>
export type Federation = ReturnType<typeof createFederation>

/** What stands between this server and others, whatever they talk about. */
export function createTransport(config: Config, clock: Clock, storage: Storage, outbound: Outbound, dns: DnsResolver) {
  const { serverName } = config
  const { federation, oldSigningKeys } = config
  const random = Math.random
  const mayCall = () => federation.enabled
  const ownKeys = new OwnKeys({
    serverName,
    signingKeys: openSigningKeys(config.signingKeyPath),
    oldKeys: oldSigningKeys,
    clock,
  })
  const policy = { firstMs: Math.min(FIRST_RETRY_MS, federation.maxRetryIntervalMs), capMs: federation.maxRetryIntervalMs }
  const gate = new RetryGate({ clock, random, policy })
  const resolver = new ServerResolver({ outbound, clock, random, hostOverrides: federation.hostOverrides, dns })
  const { signingKey } = ownKeys
  const userAgent = `${PROGRAM_NAME}/${programVersion()}`
  const client = new FederationClient({ serverName, signingKey, outbound, resolver, gate, clock, mayCall, userAgent })
  const keyRing = new KeyRing({
    own: ownKeys,
    store: storage.serverKeys,
    fetcher: keyFetcher(client),
    clock,
    random,
    notaries: federation.trustedKeyServers,
  })
  const checks = new SignatureChecks()
  return {
    ownKeys,
    signingKey,
    gate,
    client,
    keyRing,
    policySigner: new PolicySignatures({ serverName, signingKey, client, checks, clock }),
    notary: new KeyNotary({ own: ownKeys, keyRing, store: storage.serverKeys, clock }),
    authenticateServer: serverAuthenticator({ serverName, keyRing, checks, gate, mayCall }),
    pduChecks: new PduChecks(eventVerifier({ keyRing, checks })),
  }
}

/** Rooms that are shared with other servers: receipt, sending, and the ports through which rooms reach others. */
export function createFederation(
  config: Config,
  clock: Clock,
  log: Logger,
  storage: Storage,
  core: RoomCore,
  transport: Transport,
) {
  const { serverName } = config
  const common = { ...storage, ...core, ...transport, serverName, clock, log }
  const history = new FederationHistory(common)
  const { gaps, receiver } = createReceipt(clock, storage, core, history)
  const signedPdus = new SignedPdus(common)
  const served = new ServedEvents({ ...common, signedPdus })
  const templates = new Templates(common)
  const directory = new RemoteDirectory(transport.client)
  const outboundJoins = new OutboundJoins({ ...common, receiver, templates })
  const federationSender = new FederationSender({ ...common, pdus: signedPdus })
  return {
    history,
    receiver,
    signedPdus,
    served,
    federationSender,
    eduSender: new RoomEduSender({ ...common, federationSender }),
    remoteProfiles: directory,
    settled: outboundJoins.settled.bind(outboundJoins),
    remoteRooms: remoteRooms({
      joins: outboundJoins,
      memberships: new OutboundMemberships({ ...common, templates, served, signedPdus }),
      directory,
      backfill: new Backfill({ ...common, history, gaps }),
    }),
  }
}

/** What the endpoints for other servers use, once there is all that they answer about. */
export function createFederationServices(
  config: Config,
  clock: Clock,
  log: Logger,
  storage: Storage,
  core: RoomCore,
  transport: Transport,
  federation: Federation,
  rooms: RoomServices,
  users: UserKeysServices &
    OpenIdServices &
    SpaceHierarchyServices & {
      readonly typing: Pick<Typing, 'receive'>
      readonly receipts: Pick<Receipts, 'receive'>
      readonly eduHandlers: EduHandlers
      readonly thirdPartyInvites: ThirdPartyInvites
    },
): FederationServices {
  const { serverName } = config
  const common = { ...storage, ...core, ...transport, ...federation, ...rooms, serverName, clock, log }
  const access = new RoomAccess(common)
  const handshakes = new Handshakes(common)
  const edus = new EduReceiver({ log, handlers: { ...roomEdus({ ...common, ...users, access }), ...users.eduHandlers } })
  const rescinded = new RescindedInvites(common)
  return {
    ...common,
    ...users,
    access,
    delegatedServer: config.wellKnown.server,
    allowPublicRooms: config.federation.allowPublicRooms,
    listPublicRooms: (query) => rooms.roomDirectory.page(query),
    eventNear: (room, timestamp, direction) => rooms.eventsByTimestamp.nearestHere(room, timestamp, direction),
    transactionReceiver: new TransactionReceiver({ ...common, access, edus, rescinded }),
    inboundJoins: new InboundJoins({ ...common, access, handshakes }),
    leavesAndKnocks: new LeavesAndKnocks({ ...common, access, handshakes }),
    inboundInvites: new InboundInvites({ ...common, access }),
    inboundHistory: new InboundHistory({ ...common, access }),
  }
}
