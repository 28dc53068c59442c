/** A server with accounts and rooms over a database of its own, spoken to over real HTTP; other servers are what a test makes them. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerName } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { createAccounts } from '../../src/app/accounts.ts'
import { createRoomServices } from '../../src/app/room-services.ts'
import { createRoomCore } from '../../src/app/rooms.ts'
import { openStorage } from '../../src/app/storage.ts'
import { roomRoutes } from '../../src/client-api/routes.ts'
import { profileRoutes } from '../../src/client-api/user-data/profile.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { loadConfig } from '../../src/config/load.ts'
import { badGateway } from '../../src/core/errors.ts'
import type { AccountKind } from '../../src/storage/accounts.ts'
import type { RemoteRooms } from '../../src/rooms/remote.ts'
import { ThirdPartyInvites } from '../../src/rooms/third-party-invites.ts'
import { PushRules } from '../../src/users/push-rules.ts'
import { NO_POLICY_SIGNER } from './no-policy-signer.ts'
import type { EachOf } from './user.ts'
import { type Answer, authenticators, callServer, testServer } from '../http/support.ts'
import { FakeClock } from './clock.ts'

const unreachable = () => Promise.reject(badGateway())

/** Other servers, none of which answers. */
export const NOBODY: RemoteRooms = {
  join: unreachable,
  knock: unreachable,
  leave: unreachable,
  invite: unreachable,
  resolveAlias: unreachable,
  publicRooms: unreachable,
  backfill: async () => false,
  eventNear: async () => undefined,
}

export type Reply = { readonly [key: string]: Json }

/** A user's client. */
export class Client {
  readonly id: string
  readonly #port: number
  readonly #token: string
  #txn = 0

  constructor(id: string, token: string, port: number) {
    this.id = id
    this.#token = token
    this.#port = port
  }

  call(method: string, path: string, body?: JsonObject | string): Promise<Answer> {
    return callServer(this.#port, method, path.startsWith('/') ? path : `/_matrix/client/v3/${path}`, {
      token: this.#token,
      ...(body !== undefined && { body }),
    })
  }

  /** The JSON of a call that succeeds. */
  async ok<T = Reply>(method: string, path: string, body?: JsonObject | string): Promise<T> {
    const { status, text } = await this.call(method, path, body)
    assert.equal(status, 200, `${method} ${path}: ${text}`)
    return JSON.parse(text) as T
  }

  /** A call that is refused with an errcode. */
  async refused(errcode: string, method: string, path: string, body?: JsonObject | string): Promise<Answer> {
    const answer = await this.call(method, path, body)
    assert.equal(answer.json['errcode'], errcode, `${method} ${path}: ${answer.text}`)
    return answer
  }

  async createRoom(options: JsonObject = {}): Promise<string> {
    return String((await this.ok('POST', 'createRoom', options))['room_id'])
  }

  async join(room: string): Promise<void> {
    await this.ok('POST', `join/${encodeURIComponent(room)}`, {})
  }

  async send(room: string, content: JsonObject | string, type = 'm.room.message'): Promise<string> {
    const body = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content
    return String((await this.ok('PUT', `rooms/${room}/send/${type}/${++this.#txn}`, body))['event_id'])
  }

  async setState(room: string, type: string, content: JsonObject, stateKey = ''): Promise<string> {
    return String((await this.ok('PUT', `rooms/${room}/state/${type}/${stateKey}`, content))['event_id'])
  }
}

/** What accounts ask of services that a test does not have. */
export const NOTHING_OUTSIDE = {
  outbound: { request: () => Promise.reject(badGateway()) },
  signCall: () => '',
  log: silentLogger,
}

export async function roomServer(options: { remote?: Partial<RemoteRooms>; env?: Record<string, string> } = {}) {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const clock = new FakeClock()
  const env = { CAUSEWAY_SERVER_NAME: 'ours.test', CAUSEWAY_PASSWORD__HASH_COST: 'minimal', ...options.env }
  const config = loadConfig({ env, cwd: folder })
  const storage = openStorage(join(folder, 'test.db'), 'OFF')
  stack.use(storage.db)
  const core = createRoomCore(config.serverName as ServerName, clock, storage, NO_POLICY_SIGNER)
  const pushRules = new PushRules({ db: storage.db, table: storage.pushRules })
  const rooms = createRoomServices(config, clock, storage, core, { ...NOBODY, ...options.remote }, pushRules)
  const accounts = createAccounts(config, clock, storage, {
    remoteProfiles: { query: unreachable },
    onProfileChanged: (userId, field) => rooms.profileChanges.propagate(userId, field),
    leaveAllRooms: (userId) => rooms.deactivation.leaveAll(userId),
    deviceListeners: [],
    ...NOTHING_OUTSIDE,
  })
  const parts = { ...storage, ...core, ...rooms, ...accounts }
  const thirdPartyInvites = new ThirdPartyInvites({ ...parts, serverName: config.serverName, exchangeAt: unreachable })
  const routes = [
    ...roomRoutes({ ...core, ...rooms, thirdPartyInvites, presence: { active: () => {} } }),
    ...profileRoutes(accounts),
  ]
  const client: typeof accounts.accessTokens.authenticate = (token, use) => accounts.accessTokens.authenticate(token, use)
  const http = stack.use(await testServer(routes, { authenticators: { ...authenticators({}), client } }))
  const user = async (localpart: string, kind: AccountKind = 'user'): Promise<Client> => {
    const password = 'the password of a test'
    const made = await accounts.registration.createAccount({ localpart, password, kind, session: {} })
    return new Client(made.user_id, made.access_token ?? '', http.port)
  }
  return {
    clock,
    config,
    storage,
    core,
    rooms,
    accounts,
    pushRules,
    user,
    port: http.port,
    users: <const Names extends readonly string[]>(...localparts: Names) =>
      Promise.all(localparts.map((localpart) => user(localpart))) as Promise<EachOf<Names, Client>>,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
