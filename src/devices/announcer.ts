/** https://spec.matrix.org/v1.19/server-server-api/#device-management */
import type { ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Worker } from '../core/worker.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Device, Devices } from '../storage/devices.ts'
import type { DeviceListNews, DeviceListsTable } from '../storage/device-lists.ts'
import type { Names } from '../storage/names.ts'
import type { Outbox } from '../storage/outbox.ts'
import type { DeviceLists } from './device-lists.ts'
import type { PublishedKeys, UserKeys } from './published-keys.ts'
import type { SharedRooms } from './shared-rooms.ts'

/** They share commits. */
const MAX_AT_ONCE = 50

export interface DeviceAnnouncerParts {
  db: Database
  names: Names
  outbox: Outbox
  devices: Devices
  deviceListTable: DeviceListsTable
  deviceLists: DeviceLists
  publishedKeys: PublishedKeys
  sharedRooms: SharedRooms
  /** Other servers may see the names of devices. */
  allowNames: boolean
}

/** What has to be told of one user, and to whom. */
interface Announcement {
  readonly userId: UserId
  readonly news: readonly DeviceListNews[]
  readonly devices: readonly Device[]
  /** Of those devices that have keys. */
  readonly keys: UserKeys
  readonly rooms: readonly number[]
  /** All other servers that share a room with the user. */
  readonly servers: ReadonlySet<ServerName>
  /** Those that did not before. */
  readonly newServers: readonly ServerName[]
  readonly lastStreamId: number | undefined
}

/**
 * Tells of changes to devices: wakes the users who share a room with their owner, and queues updates for other servers.
 * What is to be told is kept with the change that it tells of, so that nothing is lost when the server stops in between.
 */
export class DeviceAnnouncer implements Worker {
  readonly name = 'device lists'
  readonly #parts: DeviceAnnouncerParts
  readonly #users = new Set<number>()
  #wake: () => void = () => {}

  constructor(parts: DeviceAnnouncerParts) {
    this.#parts = parts
    parts.deviceLists.onNews((userNid) => {
      this.#users.add(userNid)
      this.#wake()
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    for (const userNid of await this.#parts.deviceListTable.usersWithNews()) this.#users.add(userNid)
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    while (!signal.aborted) {
      const users = [...this.#users].slice(0, MAX_AT_ONCE)
      for (const userNid of users) this.#users.delete(userNid)
      if (users.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      else await Promise.all(users.map((userNid) => this.announce(userNid)))
    }
  }

  /** Tells what there is to tell of one user. Not to be run twice at once for the same one. */
  async announce(userNid: number): Promise<void> {
    const { db, deviceListTable } = this.#parts
    const news = await deviceListTable.news(userNid)
    const last = news.at(-1)
    if (!last) return
    const announcement = await this.#prepare(userNid, news)
    await db.write((batch) => {
      const streamId = this.#enqueue(batch, announcement)
      if (streamId !== undefined) deviceListTable.setStreamId(batch, userNid, streamId)
      deviceListTable.removeNews(batch, userNid, last.position)
      if (news.some(({ roomNid }) => roomNid === null)) for (const roomNid of announcement.rooms) batch.touchRoom(roomNid)
    })
  }

  async #prepare(userNid: number, news: readonly DeviceListNews[]): Promise<Announcement> {
    const { names, devices, publishedKeys, sharedRooms, deviceListTable, allowNames } = this.#parts
    const rooms = await sharedRooms.of(userNid)
    const entered = new Set(news.map(({ roomNid }) => roomNid))
    const knowing = await sharedRooms.otherServers(rooms.filter((roomNid) => !entered.has(roomNid)))
    const servers = await sharedRooms.otherServers(rooms)
    return {
      userId: (await names.nameOf(userNid)) as UserId,
      news,
      devices: await devices.ofUser(userNid),
      keys: await publishedKeys.ofLocal(userNid, { userNid: undefined, seesNames: allowNames }),
      rooms,
      servers,
      newServers: [...servers].filter((server) => !knowing.has(server)),
      lastStreamId: await deviceListTable.streamId(userNid),
    }
  }

  /** Answers the `stream_id` of the last update. */
  #enqueue(batch: Batch, announcement: Announcement): number | undefined {
    const { outbox } = this.#parts
    const { news, keys, servers, newServers, lastStreamId } = announcement
    const changed = new Set<string>(news.flatMap(({ deviceId }) => deviceId ?? []))
    let streamId = lastStreamId
    for (const deviceId of changed) {
      const previous = streamId
      streamId = batch.nextPosition()
      const content = { stream_id: streamId, prev_id: previous === undefined ? [] : [previous], device_id: deviceId }
      outbox.enqueueEdu(batch, [...servers], this.#deviceUpdate(announcement, content))
    }
    const untold = keys.devices.filter(({ deviceId }) => !changed.has(deviceId))
    if (newServers.length > 0 && untold.length > 0) {
      // The stream stays as it is for those who know the user: it makes newcomers ask for the whole list.
      streamId ??= batch.nextPosition()
      for (const { deviceId } of untold) {
        const content = { stream_id: streamId, prev_id: [], device_id: deviceId }
        outbox.enqueueEdu(batch, newServers, this.#deviceUpdate(announcement, content))
      }
    }
    const isNewKey = news.some(({ deviceId, roomNid }) => deviceId === null && roomNid === null)
    const update = signingKeyUpdate(announcement)
    if (update) outbox.enqueueEdu(batch, isNewKey ? [...servers] : newServers, update)
    return streamId
  }

  #deviceUpdate({ userId, devices, keys }: Announcement, content: JsonObject): JsonObject {
    const isThis = ({ deviceId }: { deviceId: string }) => deviceId === content['device_id']
    const device = devices.find(isThis)
    const deviceKeys = keys.devices.find(isThis)?.keys
    const name = this.#parts.allowNames ? device?.displayName : undefined
    return {
      edu_type: 'm.device_list_update',
      content: {
        user_id: userId,
        ...content,
        ...(deviceKeys && { keys: deviceKeys }),
        ...(typeof name === 'string' && { device_display_name: name }),
        ...(!device && { deleted: true }),
      },
    }
  }
}

function signingKeyUpdate({ userId, keys: { crossSigning } }: Announcement): JsonObject | undefined {
  const { master, self_signing: selfSigning } = crossSigning
  if (!master) return undefined
  const content = { user_id: userId, master_key: master, ...(selfSigning && { self_signing_key: selfSigning }) }
  return { edu_type: 'm.signing_key_update', content }
}
