/** MSC3814. https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
import type { DeviceKeys as DeviceKeysJson } from '../../schemas/definitions.ts'
import type { DeviceId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { forbidden, invalidParam, notFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { DehydratedDevice, DehydratedDevicesTable } from '../storage/dehydrated-devices.ts'
import type { Devices } from '../storage/devices.ts'
import type { ToDeviceTable } from '../storage/to-device.ts'
import { MAX_DEVICE_NAME_LENGTH, type Sessions } from '../users/sessions.ts'
import type { DeviceKeys, KeyUpload } from './device-keys.ts'
import { MAX_DELIVERED } from './to-device.ts'

export interface NewDehydratedDevice extends KeyUpload {
  readonly device_id: DeviceId
  readonly device_data: JsonObject
  readonly initial_device_display_name?: string
  device_keys: DeviceKeysJson
}

/** Messages to the device, as JSON texts, and where those after them begin; undefined where there are none. */
export interface DehydratedEvents {
  readonly events: readonly string[]
  readonly last: number | undefined
  readonly hasMore: boolean
}

export interface DehydratedDevicesParts {
  db: Database
  devices: Devices
  dehydratedDevicesTable: DehydratedDevicesTable
  toDeviceTable: ToDeviceTable
  sessions: Sessions
  deviceKeys: DeviceKeys
}

/** A user's device on which nobody is logged in: it has keys and collects messages for whoever logs in next. */
export class DehydratedDevices {
  readonly #parts: DehydratedDevicesParts

  constructor(parts: DehydratedDevicesParts) {
    this.#parts = parts
  }

  /** The requester's one. Throws M_NOT_FOUND. */
  async get({ userNid }: Requester): Promise<DehydratedDevice> {
    const device = await this.#parts.dehydratedDevicesTable.ofUser(userNid)
    if (!device) throw notFound('You have no dehydrated device')
    return device
  }

  /** Makes one, with its keys, in place of the one before. Throws M_INVALID_PARAM. */
  async replace({ userNid, userId }: Requester, wanted: NewDehydratedDevice): Promise<void> {
    const { devices, dehydratedDevicesTable, sessions, deviceKeys } = this.#parts
    const { device_id: deviceId, device_keys: keys, initial_device_display_name: displayName } = wanted
    if (keys.user_id !== userId || keys.device_id !== deviceId) throw invalidParam('The keys are not those of this device')
    await sessions.exclusively(userNid, async () => {
      const before = await dehydratedDevicesTable.ofUser(userNid)
      if (before?.deviceId !== deviceId && (await devices.get(userNid, deviceId)))
        throw invalidParam('That device is another one')
      await sessions.close({ userNid, userId }, before ? [before] : [], (batch) => {
        const deviceNid = devices.add(batch, userNid, deviceId, displayName?.slice(0, MAX_DEVICE_NAME_LENGTH) ?? null)
        dehydratedDevicesTable.add(batch, userNid, deviceNid, wanted.device_data)
        deviceKeys.addFirst(batch, deviceNid, wanted)
        sessions.announceChange(batch, { userNid, userId, deviceNid, deviceId })
      })
    })
  }

  /** Deletes the requester's one; answers its ID. Throws M_NOT_FOUND. */
  delete(requester: Requester): Promise<DeviceId> {
    const { sessions } = this.#parts
    return sessions.exclusively(requester.userNid, async () => {
      const device = await this.get(requester)
      await sessions.close(requester, [device])
      return device.deviceId
    })
  }

  /**
   * Messages that were sent to the device, after a position. They stay: whoever was interrupted may begin again.
   * @throws {MatrixError} M_FORBIDDEN where it is not the requester's dehydrated device
   */
  async events({ userNid }: Requester, deviceId: string, after: number): Promise<DehydratedEvents> {
    const { db, dehydratedDevicesTable, toDeviceTable } = this.#parts
    const device = await dehydratedDevicesTable.ofUser(userNid)
    if (device?.deviceId !== deviceId) throw forbidden('That is not your dehydrated device')
    const waiting = await toDeviceTable.waiting(device.deviceNid, after, db.position, MAX_DELIVERED + 1)
    const told = waiting.slice(0, MAX_DELIVERED)
    return {
      events: told.map(({ message }) => message),
      last: told.at(-1)?.position,
      hasMore: waiting.length > told.length,
    }
  }
}
