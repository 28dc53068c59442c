/** https://spec.matrix.org/v1.19/client-server-api/#uploading-keys */
import { isDeepStrictEqual } from 'node:util'
import type { DeviceKeys as DeviceKeysJson } from '../../schemas/definitions.ts'
import { type DeviceId, type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { invalidParam, MatrixError } from '../core/errors.ts'
import { parseJson } from '../core/json-text.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Requester } from '../core/requester.ts'
import type { CrossSigningTable } from '../storage/cross-signing.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { DeviceKeysTable, SingleKey } from '../storage/device-keys.ts'
import type { Devices } from '../storage/devices.ts'
import type { Names } from '../storage/names.ts'
import type { DeviceLists } from './device-lists.ts'
import type { ByDevice, RemoteDevices } from './remote.ts'

/** Of one algorithm: clients keep about a hundred. */
const MAX_ONE_TIME_KEYS = 1_000
const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 60_000

/** What a client uploads. Single keys are named `algorithm:key id`. */
export interface KeyUpload {
  device_keys?: DeviceKeysJson
  one_time_keys?: Record<string, string | JsonObject>
  fallback_keys?: Record<string, string | JsonObject>
}

export interface ClaimedKeys {
  /** By server: those that did not answer. */
  failures: Record<string, JsonObject>
  one_time_keys: ByDevice<JsonObject>
}

export interface DeviceKeysParts {
  serverName: ServerName
  db: Database
  names: Names
  devices: Devices
  deviceKeyTable: DeviceKeysTable
  crossSigningKeys: CrossSigningTable
  deviceLists: DeviceLists
  remote: RemoteDevices
}

/** The keys that devices upload, and those of them that are given out one by one. */
export class DeviceKeys {
  readonly #parts: DeviceKeysParts
  /** By device: a key is not given out twice, and not counted while it is being given out. */
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: DeviceKeysParts) {
    this.#parts = parts
  }

  /** Answers how many one-time keys of each algorithm the device has now. Throws M_INVALID_PARAM. */
  async upload(requester: Requester, upload: KeyUpload): Promise<Record<string, number>> {
    const { userId, userNid, deviceId, deviceNid } = requester
    if (deviceNid === undefined || deviceId === undefined) throw invalidParam('Only a device has keys')
    const { device_keys: deviceKeys } = upload
    if (deviceKeys && (deviceKeys.user_id !== userId || deviceKeys.device_id !== deviceId))
      throw invalidParam('The keys are not those of this device')
    return this.#queue.run(deviceNid, async () => {
      await this.#store({ userId, userNid, deviceId, deviceNid }, upload)
      return this.#parts.deviceKeyTable.counts(deviceNid)
    })
  }

  /** Adds the keys of a device that is new to the write that makes it. Throws M_INVALID_PARAM. */
  addFirst(batch: Batch, deviceNid: number, upload: KeyUpload & { device_keys: DeviceKeysJson }): void {
    const { deviceKeyTable } = this.#parts
    const oneTimeKeys = singleKeys(upload.one_time_keys)
    assertNotTooMany({}, oneTimeKeys)
    deviceKeyTable.set(batch, deviceNid, without(upload.device_keys, 'unsigned'))
    for (const key of oneTimeKeys) deviceKeyTable.addOneTime(batch, deviceNid, key)
    for (const key of singleKeys(upload.fallback_keys)) deviceKeyTable.setFallback(batch, deviceNid, key)
  }

  /** Gives keys out, those of other servers' users too. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim */
  async claim(wanted: ByDevice<string>, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<ClaimedKeys> {
    const byServer = new Map<ServerName, ByDevice<string>>()
    for (const [userId, devices] of Object.entries(wanted)) {
      const server = serverOf(userId)
      byServer.set(server, { ...byServer.get(server), [userId]: devices })
    }
    const answer: ClaimedKeys = { failures: {}, one_time_keys: {} }
    const tasks = [...byServer].map(async ([server, ofServer]) => {
      const keys = await this.#claimAt(server, ofServer, Math.min(timeoutMs, MAX_TIMEOUT_MS))
      if (keys) Object.assign(answer.one_time_keys, keys)
      else answer.failures[server] = {}
    })
    await Promise.all(tasks)
    return answer
  }

  /** Gives keys of our users out to another server. Users and devices without keys are left out. */
  async claimForServer(wanted: ByDevice<string>): Promise<ByDevice<JsonObject>> {
    const users = Object.entries(wanted).filter(([userId]) => serverOf(userId) === this.#parts.serverName)
    const claimed = await Promise.all(
      users.map(async ([userId, devices]) => [userId, await this.#claimOf(userId as UserId, devices)] as const),
    )
    return Object.fromEntries(claimed.filter(([, devices]) => Object.keys(devices).length > 0))
  }

  async #claimAt(server: ServerName, wanted: ByDevice<string>, timeoutMs: number): Promise<ByDevice<JsonObject> | undefined> {
    if (server === this.#parts.serverName) return this.claimForServer(wanted)
    try {
      const keys = await this.#parts.remote.claimKeys(server, wanted, { timeoutMs })
      // A server speaks for its own users only.
      return Object.fromEntries(Object.entries(keys).filter(([userId]) => Object.hasOwn(wanted, userId)))
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
      return undefined
    }
  }

  async #claimOf(userId: UserId, wanted: Record<string, string>): Promise<Record<string, JsonObject>> {
    const userNid = await this.#parts.names.find(userId)
    if (userNid === undefined) return {}
    const claimed = await Promise.all(
      Object.entries(wanted).map(async ([deviceId, algorithm]): Promise<[string, JsonObject][]> => {
        const device = await this.#parts.devices.get(userNid, deviceId as DeviceId)
        const key = device && (await this.#queue.run(device.deviceNid, () => this.#take(device, algorithm)))
        return key ? [[deviceId, { [`${key.algorithm}:${key.keyId}`]: parseJson(key.key) }]] : []
      }),
    )
    return Object.fromEntries(claimed.flat())
  }

  /** The oldest one-time key, which is gone then, or else the fallback key. */
  async #take(device: { userNid: number; deviceNid: number }, algorithm: string): Promise<SingleKey | undefined> {
    const { db, deviceKeyTable } = this.#parts
    const key = await deviceKeyTable.firstOneTime(device.deviceNid, algorithm)
    if (key) {
      await db.write((batch) => deviceKeyTable.removeOneTime(batch, device, key))
      return key
    }
    const fallback = await deviceKeyTable.fallback(device.deviceNid, algorithm)
    if (fallback && !fallback.used) await db.write((batch) => deviceKeyTable.useFallback(batch, device, algorithm))
    return fallback
  }

  async #store(
    device: { userId: UserId; userNid: number; deviceId: DeviceId; deviceNid: number },
    upload: KeyUpload,
  ): Promise<void> {
    const { db, deviceKeyTable, crossSigningKeys, deviceLists } = this.#parts
    const { userNid, deviceId, deviceNid } = device
    const before = await deviceKeyTable.get(deviceNid)
    const deviceKeys = upload.device_keys && without(upload.device_keys, 'unsigned')
    const oneTimeKeys = await this.#newKeys(deviceNid, singleKeys(upload.one_time_keys))
    const fallbackKeys = await this.#newFallbacks(deviceNid, singleKeys(upload.fallback_keys))
    await db.write((batch) => {
      if (deviceKeys && !isDeepStrictEqual(deviceKeys, before)) {
        deviceKeyTable.set(batch, deviceNid, deviceKeys)
        if (before && !isDeepStrictEqual(without(deviceKeys, 'signatures'), without(before, 'signatures')))
          crossSigningKeys.removeSignatures(batch, userNid, deviceId)
        deviceLists.noteChange(batch, userNid, deviceId)
      }
      for (const key of oneTimeKeys) deviceKeyTable.addOneTime(batch, deviceNid, key)
      for (const key of fallbackKeys) deviceKeyTable.setFallback(batch, deviceNid, key)
    })
  }

  /** Those one-time keys that the device has not uploaded before. */
  async #newKeys(deviceNid: number, keys: readonly SingleKey[]): Promise<SingleKey[]> {
    const { deviceKeyTable } = this.#parts
    const known = new Map((await deviceKeyTable.oneTime(deviceNid, keys)).map((key) => [nameOf(key), key]))
    const fresh = keys.filter((key) => {
      const before = known.get(nameOf(key))
      if (before && !isSame(before, key)) throw invalidParam(`There is another one-time key ${nameOf(key)} already`)
      return before === undefined
    })
    assertNotTooMany(await deviceKeyTable.counts(deviceNid), fresh)
    return fresh
  }

  /** Those fallback keys that are not the current ones: one that is uploaded again does not count as unused again. */
  async #newFallbacks(deviceNid: number, keys: readonly SingleKey[]): Promise<SingleKey[]> {
    const fresh: SingleKey[] = []
    for (const key of keys) {
      const before = await this.#parts.deviceKeyTable.fallback(deviceNid, key.algorithm)
      if (!before || before.keyId !== key.keyId || !isSame(before, key)) fresh.push(key)
    }
    return fresh
  }
}

function assertNotTooMany(there: Readonly<Record<string, number>>, added: readonly SingleKey[]): void {
  const counts = new Map(Object.entries(there))
  for (const { algorithm } of added) {
    const count = (counts.get(algorithm) ?? 0) + 1
    if (count > MAX_ONE_TIME_KEYS) throw invalidParam(`A device has at most ${MAX_ONE_TIME_KEYS} one-time keys`)
    counts.set(algorithm, count)
  }
}

const nameOf = ({ algorithm, keyId }: SingleKey): string => `${algorithm}:${keyId}`
const isSame = (a: SingleKey, b: SingleKey): boolean => isDeepStrictEqual(parseJson(a.key), parseJson(b.key))

function without(object: JsonObject, member: string): JsonObject {
  const { [member]: _dropped, ...rest } = object
  return rest
}

function singleKeys(keys: Record<string, Json> = {}): SingleKey[] {
  return Object.entries(keys).map(([name, key]) => {
    const colon = name.indexOf(':')
    if (colon < 1) throw invalidParam(`${JSON.stringify(name)} is not of the form algorithm:key_id`)
    return { algorithm: name.slice(0, colon), keyId: name.slice(colon + 1), key: JSON.stringify(key) }
  })
}
