import { type DeviceId, type ServerName, serverOf } from '../../schemas/ids.ts'
import type { CrossSigningTable } from '../storage/cross-signing.ts'
import type { Batch } from '../storage/database.ts'
import type { DeviceKeysTable } from '../storage/device-keys.ts'
import type { DeviceListsTable } from '../storage/device-lists.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { RemoteDevicesTable } from '../storage/remote-devices.ts'
import type { ToDeviceTable } from '../storage/to-device.ts'
import type { DeviceAddress, DeviceListener } from '../users/sessions.ts'

export interface DeviceListsParts {
  serverName: ServerName
  deviceListTable: DeviceListsTable
  deviceKeyTable: DeviceKeysTable
  crossSigningKeys: CrossSigningTable
  toDeviceTable: ToDeviceTable
  remoteDevices: RemoteDevicesTable
  memberships: Memberships
}

/**
 * Notes every change that others keep track of, inside of the write that makes it: of devices, their keys and names, of
 * cross-signing keys and signatures, and of who is in a room with whom.
 * https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user
 */
export class DeviceLists implements DeviceListener {
  readonly #parts: DeviceListsParts
  #listener: (userNid: number) => void = () => {}

  constructor(parts: DeviceListsParts) {
    this.#parts = parts
    parts.memberships.onSet((batch, roomNid, user, { membership, position }) => {
      if (membership !== 'join') return
      if (serverOf(user.userId) !== parts.serverName) parts.remoteDevices.markEntryStale(batch, user.nid, roomNid, position)
      else if (this.#mayHaveOthers(roomNid)) {
        parts.deviceListTable.addEntry(batch, user.nid, roomNid, position)
        this.#tellAfter(batch, user.nid)
      }
    })
    parts.memberships.onRemove((batch, roomNid, userNid) => parts.deviceListTable.noteParting(batch, roomNid, userNid))
  }

  deviceChanged(batch: Batch, { userNid, deviceId }: DeviceAddress): void {
    this.noteChange(batch, userNid, deviceId)
  }

  deviceRemoved(batch: Batch, { userNid, deviceId, deviceNid }: DeviceAddress): void {
    const { deviceKeyTable, toDeviceTable, crossSigningKeys } = this.#parts
    deviceKeyTable.removeAll(batch, deviceNid)
    toDeviceTable.removeDevice(batch, deviceNid)
    crossSigningKeys.removeSignatures(batch, userNid, deviceId)
    this.noteChange(batch, userNid, deviceId)
  }

  /**
   * A local user's device has changed, or the user's cross-signing keys where `deviceId` is null: all are told who share a
   * room with the user.
   */
  noteChange(batch: Batch, userNid: number, deviceId: DeviceId | null): void {
    this.#parts.deviceListTable.note(batch, userNid)
    this.#parts.deviceListTable.addNews(batch, userNid, deviceId)
    this.#tellAfter(batch, userNid)
  }

  /** What `readerNid` sees of a user's keys has changed, and nobody else sees it. */
  notePrivateChange(batch: Batch, readerNid: number, userNid: number): void {
    this.#parts.deviceListTable.notePrivately(batch, readerNid, userNid)
  }

  /** Tells the announcer which local users have news. */
  onNews(listener: (userNid: number) => void): void {
    this.#listener = listener
  }

  /** False where it is certain that no other server is in the room. Those that come later ask for the devices of whom they find there. */
  #mayHaveOthers(roomNid: number): boolean {
    const servers = this.#parts.memberships.servers(roomNid)
    return servers === undefined || servers.size > (servers.has(this.#parts.serverName) ? 1 : 0)
  }

  #tellAfter(batch: Batch, userNid: number): void {
    batch.onSettled((committed) => {
      if (committed) this.#listener(userNid)
    })
  }
}
