/** https://spec.matrix.org/v1.19/server-server-api/#device-management */
import { type DeviceId, type ServerName, serverOf, type UserId, isUserId } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { MatrixError } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { integerOf } from '../protocol/strict-json.ts'
import type { CrossSigningTable } from '../storage/cross-signing.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { DeviceListsTable } from '../storage/device-lists.ts'
import type { Names } from '../storage/names.ts'
import type { RemoteDevice, RemoteDevicesTable } from '../storage/remote-devices.ts'
import { isOf } from './published-keys.ts'
import type { RemoteCallOptions, RemoteDevices, RemoteUserDevices } from './remote.ts'
import type { SharedRooms } from './shared-rooms.ts'

const RESYNC_TIMEOUT_MS = 30_000
const MAX_DEVICE_ID_LENGTH = 512

export interface RemoteDeviceListsParts {
  db: Database
  names: Names
  deviceListTable: DeviceListsTable
  crossSigningKeys: CrossSigningTable
  remoteDevices: RemoteDevicesTable
  sharedRooms: SharedRooms
  remote: RemoteDevices
}

/**
 * The device lists of users of other servers, as far as those tell us of changes: they do while such a user shares a room
 * with one of ours. A list in which an update is missing is stale until it has been asked for again.
 */
export class RemoteDeviceLists {
  readonly #parts: RemoteDeviceListsParts
  /** By user: what is known of one changes one step at a time. */
  readonly #queue = new KeyedQueue<string>()
  #listener: () => void = () => {}

  constructor(parts: RemoteDeviceListsParts) {
    this.#parts = parts
  }

  /** Whether all devices of the user are known. */
  async isKnown(userId: UserId): Promise<boolean> {
    const { names, remoteDevices, sharedRooms } = this.#parts
    const userNid = await names.find(userId)
    const list = userNid === undefined ? undefined : await remoteDevices.list(userNid)
    return list !== undefined && !list.stale && (await sharedRooms.isWithUs(userId))
  }

  /** Takes in an `m.device_list_update` of one of the origin's users. */
  async receiveUpdate(origin: ServerName, content: JsonObject): Promise<void> {
    const userId = stringAt(content, 'user_id') ?? ''
    const deviceId = stringAt(content, 'device_id')
    const streamId = integerOf(content['stream_id'])
    if (!isUserId(userId) || serverOf(userId) !== origin || deviceId === undefined || streamId === undefined) return
    if (deviceId.length > MAX_DEVICE_ID_LENGTH || !(await this.#parts.sharedRooms.isWithUs(userId))) return
    const keys = objectAt(content, 'keys')
    const displayName = stringAt(content, 'device_display_name') ?? null
    const device = { deviceId: deviceId as DeviceId, displayName, keys: keys && isOf(keys, userId, deviceId) ? keys : null }
    const previous = Array.isArray(content['prev_id']) ? content['prev_id'].map(integerOf) : []
    const isComplete = await this.#queue.run(userId, () =>
      this.#apply(userId, streamId, previous, device, content['deleted'] === true),
    )
    if (isComplete) return
    await this.#queue.run(userId, () => this.#markStale(userId))
    this.#listener()
  }

  /** Takes in an `m.signing_key_update` of one of the origin's users. */
  async receiveSigningKeys(origin: ServerName, content: JsonObject): Promise<void> {
    const userId = stringAt(content, 'user_id') ?? ''
    if (!isUserId(userId) || serverOf(userId) !== origin || !(await this.#parts.sharedRooms.isWithUs(userId))) return
    const { db, names, deviceListTable } = this.#parts
    await this.#queue.run(userId, async () => {
      const resolved = await names.resolve([userId])
      const rooms = await this.#roomsOf(userId)
      await db.write((batch) => {
        const userNid = resolved.nid(batch, userId)
        this.#setSigningKeys(batch, userId, userNid, objectAt(content, 'master_key'), objectAt(content, 'self_signing_key'))
        deviceListTable.note(batch, userNid)
        for (const roomNid of rooms) batch.touchRoom(roomNid)
      })
    })
  }

  /** Asks for a user's whole list, unless it has come meanwhile. Answers whether it is known now. */
  async resync(userId: UserId, options: RemoteCallOptions): Promise<boolean> {
    return this.#queue.run(userId, async () => {
      if (await this.isKnown(userId)) return true
      try {
        const answer = await this.#parts.remote.userDevices(serverOf(userId), userId, options)
        await this.#replace(userId, answer)
        return true
      } catch (cause) {
        if (!(cause instanceof MatrixError)) throw cause
        await this.#markStale(userId)
        return false
      }
    })
  }

  /** Is told of every list that becomes stale by an update. */
  onStale(listener: () => void): void {
    this.#listener = listener
  }

  /** Asks a server for those lists of its users that are stale, until it does not answer. */
  async resyncStale(server: ServerName, signal: AbortSignal): Promise<void> {
    const { names, remoteDevices } = this.#parts
    for (const userId of (await names.namesOf(await remoteDevices.staleOf(server))).values()) {
      if (!(await this.#parts.sharedRooms.isWithUs(userId as UserId))) await this.#giveUp(userId as UserId)
      else if (signal.aborted || !(await this.resync(userId as UserId, { timeoutMs: RESYNC_TIMEOUT_MS, signal }))) return
    }
  }

  /** Applies an update; false where one before it is missing. */
  async #apply(
    userId: UserId,
    streamId: number,
    previous: readonly (number | undefined)[],
    device: RemoteDevice,
    isDeleted: boolean,
  ): Promise<boolean> {
    const { db, names, remoteDevices, deviceListTable } = this.#parts
    const userNid = await names.find(userId)
    const list = userNid === undefined ? undefined : await remoteDevices.list(userNid)
    if (userNid === undefined || !list || list.stale) return false
    // What has been sent again.
    if (streamId <= list.streamId) return previous.length > 0
    if (previous.length === 0 || previous.some((id) => id === undefined || id > list.streamId)) return false
    if (!previous.includes(list.streamId)) return false
    const rooms = await this.#roomsOf(userId)
    await db.write((batch) => {
      remoteDevices.update(batch, userNid, streamId, device, isDeleted)
      deviceListTable.note(batch, userNid)
      for (const roomNid of rooms) batch.touchRoom(roomNid)
    })
    return true
  }

  async #replace(userId: UserId, answer: RemoteUserDevices): Promise<void> {
    const { db, names, remoteDevices, deviceListTable } = this.#parts
    const resolved = await names.resolve([userId])
    const rooms = await this.#roomsOf(userId)
    const devices = answer.devices.flatMap(({ device_id: deviceId, keys, device_display_name: displayName = null }) => {
      if (keys && !isOf(keys, userId, deviceId)) return []
      return [{ deviceId, displayName, keys: keys ?? null }]
    })
    await db.write((batch) => {
      const userNid = resolved.nid(batch, userId)
      remoteDevices.replace(batch, userNid, serverOf(userId), answer.stream_id, devices)
      this.#setSigningKeys(batch, userId, userNid, answer.master_key, answer.self_signing_key)
      deviceListTable.note(batch, userNid)
      for (const roomNid of rooms) batch.touchRoom(roomNid)
    })
  }

  async #markStale(userId: UserId): Promise<void> {
    const { db, names, remoteDevices } = this.#parts
    const resolved = await names.resolve([userId])
    await db.write((batch) => remoteDevices.markStale(batch, resolved.nid(batch, userId), serverOf(userId)))
  }

  /** Forgets what is not kept up to date any more. */
  async #giveUp(userId: UserId): Promise<void> {
    const { db, names, remoteDevices } = this.#parts
    const resolved = await names.resolve([userId])
    await this.#queue.run(userId, () => db.write((batch) => remoteDevices.remove(batch, resolved.nid(batch, userId))))
  }

  #setSigningKeys(batch: Batch, userId: UserId, userNid: number, master?: JsonObject, selfSigning?: JsonObject): void {
    const { crossSigningKeys } = this.#parts
    if (isJsonObject(master) && isOf(master, userId)) crossSigningKeys.set(batch, userNid, 'master', master)
    if (isJsonObject(selfSigning) && isOf(selfSigning, userId)) crossSigningKeys.set(batch, userNid, 'self_signing', selfSigning)
  }

  async #roomsOf(userId: UserId): Promise<number[]> {
    const userNid = await this.#parts.names.find(userId)
    return userNid === undefined ? [] : this.#parts.sharedRooms.of(userNid)
  }
}
