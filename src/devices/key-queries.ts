import { type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { MatrixError, notFound } from '../core/errors.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { DeviceListsTable } from '../storage/device-lists.ts'
import type { Devices } from '../storage/devices.ts'
import type { Names } from '../storage/names.ts'
import { devicesById, isOf, type KeyReader, type PublishedKeys, type UserKeys } from './published-keys.ts'
import type { ByDevice, RemoteDevices, RemoteKeys, RemoteUserDevices } from './remote.ts'
import type { RemoteDeviceLists } from './remote-lists.ts'
import type { SharedRooms } from './shared-rooms.ts'

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 60_000
/** Lists of one server that are asked for at once; those of further users are asked for in one query and not kept. */
const MAX_RESYNCS = 50

/** Undefined members are those of nobody. */
export interface QueriedKeys {
  /** By server: those that did not answer. */
  failures: Record<string, JsonObject>
  device_keys: ByDevice<JsonObject>
  master_keys: Record<string, JsonObject>
  self_signing_keys: Record<string, JsonObject>
  user_signing_keys: Record<string, JsonObject>
}

export interface KeyQueriesParts {
  serverName: ServerName
  names: Names
  accounts: Accounts
  devices: Devices
  deviceListTable: DeviceListsTable
  publishedKeys: PublishedKeys
  sharedRooms: SharedRooms
  remoteLists: RemoteDeviceLists
  remote: RemoteDevices
  /** Other servers may see the names of devices. */
  allowNames: boolean
}

/** Tells the identity keys of devices and users. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery */
export class KeyQueries {
  readonly #parts: KeyQueriesParts

  constructor(parts: KeyQueriesParts) {
    this.#parts = parts
  }

  /** @param wanted by user: the devices, or none for all of them */
  async query(
    { userNid }: { userNid: number },
    wanted: Record<string, string[]>,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  ): Promise<QueriedKeys> {
    const answer = emptyAnswer()
    const byServer = Map.groupBy(Object.entries(wanted), ([userId]) => serverOf(userId))
    const reader = { userNid, seesNames: true }
    const tasks = [...byServer].map(async ([server, users]) => {
      if (server === this.#parts.serverName) for (const [userId, ids] of users) await this.#addLocal(answer, userId, ids, reader)
      else await this.#addRemote(answer, server, users, reader, Math.min(timeoutMs, MAX_TIMEOUT_MS))
    })
    await Promise.all(tasks)
    return answer
  }

  /** As another server asks, for our users: https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery */
  async queryForServer(wanted: Record<string, string[]>): Promise<Omit<QueriedKeys, 'failures' | 'user_signing_keys'>> {
    const answer = emptyAnswer()
    const reader = { userNid: undefined, seesNames: this.#parts.allowNames }
    for (const [userId, ids] of Object.entries(wanted))
      if (serverOf(userId) === this.#parts.serverName) await this.#addLocal(answer, userId, ids, reader)
    const { device_keys, master_keys, self_signing_keys } = answer
    return { device_keys, master_keys, self_signing_keys }
  }

  /**
   * All devices of one of our users, for another server: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid
   * Throws M_NOT_FOUND.
   */
  async devicesOf(userId: UserId): Promise<RemoteUserDevices & { user_id: UserId }> {
    const { serverName, names, accounts, deviceListTable, publishedKeys, allowNames } = this.#parts
    const userNid = serverOf(userId) === serverName ? await names.find(userId) : undefined
    if (userNid === undefined || !(await accounts.get(userNid))) throw notFound('There is no such user')
    // Read before the devices: an update that is sent meanwhile comes after what is told here.
    const streamId = (await deviceListTable.streamId(userNid)) ?? 0
    const keys = await publishedKeys.ofLocal(userNid, { userNid: undefined, seesNames: allowNames })
    const { master, self_signing: selfSigning } = keys.crossSigning
    return {
      user_id: userId,
      stream_id: streamId,
      devices: keys.devices.map(({ deviceId, displayName, keys: deviceKeys }) => ({
        device_id: deviceId,
        keys: deviceKeys,
        ...(allowNames && displayName !== null && { device_display_name: displayName }),
      })),
      ...(master && { master_key: master }),
      ...(selfSigning && { self_signing_key: selfSigning }),
    }
  }

  async #addLocal(answer: QueriedKeys, userId: string, ids: readonly string[], reader: KeyReader): Promise<void> {
    const { names, accounts, publishedKeys } = this.#parts
    const userNid = await names.find(userId)
    if (userNid === undefined || !(await accounts.get(userNid))) return
    add(answer, userId, await publishedKeys.ofLocal(userNid, reader), ids)
  }

  async #addRemote(
    answer: QueriedKeys,
    server: ServerName,
    users: readonly [string, string[]][],
    reader: KeyReader,
    timeoutMs: number,
  ): Promise<void> {
    const { remoteLists, sharedRooms } = this.#parts
    const unknown: [string, string[]][] = []
    const tracked: [string, string[]][] = []
    for (const user of users) {
      const userId = user[0] as UserId
      if (await remoteLists.isKnown(userId)) await this.#addKept(answer, user, reader)
      else (tracked.length < MAX_RESYNCS && (await sharedRooms.isWithUs(userId)) ? tracked : unknown).push(user)
    }
    const resyncs = tracked.map(async (user) => {
      if (!(await remoteLists.resync(user[0] as UserId, { timeoutMs }))) answer.failures[server] = {}
      // What was known before the server went away is better than nothing.
      await this.#addKept(answer, user, reader)
    })
    await Promise.all([...resyncs, this.#addAsked(answer, server, unknown, timeoutMs)])
  }

  async #addKept(answer: QueriedKeys, [userId, ids]: [string, string[]], reader: KeyReader): Promise<void> {
    const userNid = await this.#parts.names.find(userId)
    if (userNid !== undefined) add(answer, userId, await this.#parts.publishedKeys.ofRemote(userNid, reader), ids)
  }

  async #addAsked(answer: QueriedKeys, server: ServerName, users: [string, string[]][], timeoutMs: number): Promise<void> {
    if (users.length === 0) return
    try {
      const keys = await this.#parts.remote.queryKeys(server, Object.fromEntries(users), { timeoutMs })
      for (const [userId] of users) addForeign(answer, userId as UserId, keys)
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
      answer.failures[server] = {}
    }
  }
}

function emptyAnswer(): QueriedKeys {
  return { failures: {}, device_keys: {}, master_keys: {}, self_signing_keys: {}, user_signing_keys: {} }
}

function add(answer: QueriedKeys, userId: string, keys: UserKeys, ids: readonly string[]): void {
  const { master, self_signing: selfSigning, user_signing: userSigning } = keys.crossSigning
  answer.device_keys[userId] = devicesById(keys, ids)
  if (master) answer.master_keys[userId] = master
  if (selfSigning) answer.self_signing_keys[userId] = selfSigning
  if (userSigning) answer.user_signing_keys[userId] = userSigning
}

/** Takes over what another server says of its own user. */
function addForeign(answer: QueriedKeys, userId: UserId, keys: RemoteKeys): void {
  const own = <T>(map: Record<string, T> = {}): T | undefined => (Object.hasOwn(map, userId) ? map[userId] : undefined)
  const devices = Object.entries(own(keys.device_keys) ?? {}).filter(([deviceId, device]) => isOf(device, userId, deviceId))
  const master = own(keys.master_keys)
  const selfSigning = own(keys.self_signing_keys)
  if (own(keys.device_keys)) answer.device_keys[userId] = Object.fromEntries(devices)
  if (master && isOf(master, userId)) answer.master_keys[userId] = master
  if (selfSigning && isOf(selfSigning, userId)) answer.self_signing_keys[userId] = selfSigning
}
