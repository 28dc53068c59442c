/** A server with rooms and `/sync` over a database of its own, on a clock that stands still, spoken to over real HTTP. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { createAccounts } from '../../src/app/accounts.ts'
import { createDeviceStreams } from '../../src/app/devices.ts'
import { createRoomServices } from '../../src/app/room-services.ts'
import { createRoomCore } from '../../src/app/rooms.ts'
import { openStorage } from '../../src/app/storage.ts'
import { createSync, createUserStreams } from '../../src/app/sync.ts'
import { roomRoutes } from '../../src/client-api/routes.ts'
import { syncRoutes } from '../../src/client-api/events/sync.ts'
import { filterRoutes } from '../../src/client-api/filtering/filter.ts'
import { accountDataRoutes } from '../../src/client-api/modules/account-data.ts'
import { pushRuleRoutes } from '../../src/client-api/modules/pushrules.ts'
import { readMarkerRoutes } from '../../src/client-api/modules/read-markers.ts'
import { receiptRoutes } from '../../src/client-api/modules/receipts.ts'
import { tagRoutes } from '../../src/client-api/modules/tags.ts'
import { typingRoutes } from '../../src/client-api/modules/typing.ts'
import { profileRoutes } from '../../src/client-api/user-data/profile.ts'
import { loadConfig } from '../../src/config/load.ts'
import { badGateway } from '../../src/core/errors.ts'
import { ToDevice } from '../../src/devices/to-device.ts'
import { SignedPdus } from '../../src/federation/sender/signed-pdus.ts'
import { signingKeyFromSeed } from '../../src/protocol/signing.ts'
import { ThirdPartyInvites } from '../../src/rooms/third-party-invites.ts'
import type { SyncExtension } from '../../src/sync/extension.ts'
import { authenticators, testServer } from '../http/support.ts'
import { FakeClock } from '../support/clock.ts'
import { NO_POLICY_SIGNER } from '../support/no-policy-signer.ts'
import { Client, NOBODY, NOTHING_OUTSIDE } from '../support/room-server.ts'
import type { EachOf } from '../support/user.ts'

export interface SeenEvent {
  readonly type: string
  readonly sender: string
  readonly event_id: string
  readonly state_key?: string
  readonly content: JsonObject
  readonly unsigned: JsonObject
}

export interface SeenRoom {
  readonly summary?: JsonObject
  readonly state: { events: SeenEvent[] }
  readonly state_after: { events: SeenEvent[] }
  readonly timeline: { events: SeenEvent[]; limited: boolean; prev_batch: string }
  readonly ephemeral: { events: { type: string; content: JsonObject }[] }
  readonly account_data: { events: { type: string; content: JsonObject }[] }
  readonly unread_notifications: { highlight_count: number; notification_count: number }
  readonly unread_thread_notifications?: Record<string, { highlight_count: number; notification_count: number }>
}

export interface SeenSync {
  readonly next_batch: string
  readonly account_data: { events: { type: string; content: JsonObject }[] }
  readonly rooms: {
    readonly join: Record<string, SeenRoom>
    readonly leave: Record<string, SeenRoom>
    readonly invite: Record<string, { invite_state: { events: JsonObject[] } }>
    readonly knock: Record<string, { knock_state: { events: JsonObject[] } }>
  }
}

/** A client that syncs. */
export class Syncer extends Client {
  since: string | undefined
  readonly token: string
  readonly port: number

  constructor(id: string, token: string, port: number) {
    super(id, token, port)
    this.token = token
    this.port = port
  }

  /** One request; it does not move on. */
  async syncFrom(since: string | undefined, query: Record<string, string> = {}): Promise<SeenSync> {
    const parameters = new URLSearchParams({ ...(since !== undefined && { since }), ...query })
    return this.ok<SeenSync>('GET', `sync?${parameters}`)
  }

  /** Everything at first, then what is new since the last time. A filter may be given as JSON. */
  async sync({
    filter,
    ...query
  }: {
    filter?: JsonObject
    [name: string]: string | JsonObject | undefined
  } = {}): Promise<SeenSync> {
    const seen = await this.syncFrom(this.since, {
      ...(query as Record<string, string>),
      ...(filter && { filter: JSON.stringify(filter) }),
    })
    this.since = seen.next_batch
    return seen
  }

  /** What a sync says about a joined room. */
  async room(roomId: string, query: Parameters<Syncer['sync']>[0] = {}): Promise<SeenRoom> {
    const room = (await this.sync(query)).rooms.join[roomId]
    if (!room) throw new Error(`${this.id} heard nothing of ${roomId}`)
    return room
  }

  /** Another client of the same device, which begins anew. */
  anew(): Syncer {
    return new Syncer(this.id, this.token, this.port)
  }
}

export const bodies = (events: readonly SeenEvent[]): unknown[] =>
  events.map(({ content }) => content['body'] ?? content['membership'] ?? content)

export async function syncServer(options: { extensions?: SyncExtension[]; env?: Record<string, string> } = {}) {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const clock = new FakeClock()
  const env = {
    CAUSEWAY_SERVER_NAME: 'ours.test',
    CAUSEWAY_PASSWORD__HASH_COST: 'minimal',
    CAUSEWAY_ROOMS__DEFAULT_VERSION: '11',
    ...options.env,
  }
  const config = loadConfig({ env, cwd: folder })
  const storage = openStorage(join(folder, 'test.db'), 'OFF')
  stack.use(storage.db)
  const stopping = new AbortController()
  stack.defer(() => stopping.abort())
  const core = createRoomCore(config.serverName as ServerName, clock, storage, NO_POLICY_SIGNER)
  const streams = createUserStreams(clock, storage, core, { send: () => {} }, stopping.signal)
  const rooms = createRoomServices(config, clock, storage, core, NOBODY, streams.pushRules)
  const accounts = createAccounts(config, clock, storage, {
    remoteProfiles: { query: () => Promise.reject(badGateway()) },
    onProfileChanged: (userId, field) => rooms.profileChanges.propagate(userId, field),
    leaveAllRooms: (userId) => rooms.deactivation.leaveAll(userId),
    deviceListeners: [],
    ...NOTHING_OUTSIDE,
  })
  const serverName = config.serverName as ServerName
  const pdus = new SignedPdus({ ...storage, serverName, signingKey: signingKeyFromSeed('test', new Uint8Array(32)) })
  const toDevice = new ToDevice({ ...storage, serverName, clock })
  const deviceStreams = createDeviceStreams(storage, core, streams.notifier, { toDevice })
  const syncing = createSync(config, clock, storage, core, streams, pdus, deviceStreams, options.extensions ?? [])
  const services = {
    ...core,
    ...rooms,
    ...accounts,
    ...streams,
    ...syncing,
    thirdPartyInvites: new ThirdPartyInvites({
      ...storage,
      ...core,
      ...rooms,
      ...accounts,
      serverName,
      exchangeAt: () => Promise.reject(badGateway()),
    }),
    rooms: storage.rooms,
    memberships: storage.memberships,
    presence: { active: () => {} },
  }
  const tables = [
    syncRoutes,
    filterRoutes,
    accountDataRoutes,
    pushRuleRoutes,
    readMarkerRoutes,
    receiptRoutes,
    tagRoutes,
    typingRoutes,
  ]
  const routes = [...roomRoutes(services), ...profileRoutes(services), ...tables.flatMap((table) => table(services))]
  const client: typeof accounts.accessTokens.authenticate = (token, use) => accounts.accessTokens.authenticate(token, use)
  const http = stack.use(await testServer(routes, { authenticators: { ...authenticators({}), client } }))
  const user = async (localpart: string): Promise<Syncer> => {
    const made = await accounts.registration.createAccount({
      localpart,
      password: 'the password of a test',
      kind: 'user',
      session: {},
    })
    return new Syncer(made.user_id, made.access_token ?? '', http.port)
  }
  return {
    clock,
    storage,
    core,
    rooms,
    accounts,
    streams,
    syncing,
    user,
    port: http.port,
    /** Resolves when so many users have requests that wait. */
    untilWaiting: async (users: number) => {
      while (syncing.notifier.waiting < users) await new Promise(setImmediate)
    },
    users: <const Names extends readonly string[]>(...localparts: Names) =>
      Promise.all(localparts.map((localpart) => user(localpart))) as Promise<EachOf<Names, Syncer>>,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A server with a public room of Alice's in which Bob is too. */
export async function roomOfTwo() {
  const hs = await syncServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { hs, alice, bob, room, [Symbol.asyncDispose]: () => hs[Symbol.asyncDispose]() }
}
