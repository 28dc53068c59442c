/** https://spec.matrix.org/v1.19/client-server-api/#device-management */
import type { DeviceId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { invalidParam, notFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { Device, Devices } from '../storage/devices.ts'
import { MAX_DEVICE_NAME_LENGTH, type Sessions } from '../users/sessions.ts'
import type { UserInteractiveAuth } from '../users/uia.ts'

/** A device as its owner sees it. */
export interface ClientDevice {
  device_id: DeviceId
  display_name?: string
  last_seen_ip?: string
  last_seen_ts?: number
}

interface Deps {
  readonly db: Database
  readonly devices: Devices
  readonly sessions: Sessions
  readonly uia: UserInteractiveAuth
}

/** What users do with their own devices. */
export class DeviceManagement {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async list({ userNid }: Requester): Promise<ClientDevice[]> {
    return (await this.#deps.devices.ofUser(userNid)).map(toClientDevice)
  }

  /** Throws M_NOT_FOUND. */
  async get(requester: Requester, deviceId: DeviceId): Promise<ClientDevice> {
    return toClientDevice(await this.#find(requester, deviceId))
  }

  /** Throws M_NOT_FOUND. Without a name, nothing changes. */
  async rename(requester: Requester, deviceId: DeviceId, displayName: string | undefined): Promise<void> {
    const { userNid, userId } = requester
    if (displayName !== undefined && displayName.length > MAX_DEVICE_NAME_LENGTH) {
      throw invalidParam(`The name is longer than ${MAX_DEVICE_NAME_LENGTH} characters`)
    }
    await this.#deps.sessions.exclusively(userNid, async () => {
      const { deviceNid, displayName: before } = await this.#find(requester, deviceId)
      if (displayName === undefined || displayName === before) return
      await this.#deps.db.write((batch) => {
        this.#deps.devices.rename(batch, deviceNid, displayName)
        this.#deps.sessions.announceChange(batch, { userNid, userId, deviceNid, deviceId })
      })
    })
  }

  /** Deletes one device; `body` is that of the request, for its `auth`. A device that is not there counts as deleted. */
  delete(requester: Requester, deviceId: DeviceId, body: JsonObject): Promise<void> {
    return this.#deps.uia.performAsOwner(requester, `delete device ${deviceId}`, body, () => this.remove(requester, [deviceId]))
  }

  /** Deletes the devices that `body` names. */
  deleteAll(requester: Requester, body: JsonObject & { devices: string[] }): Promise<void> {
    return this.#deps.uia.performAsOwner(requester, 'delete devices', body, () => this.remove(requester, body.devices))
  }

  /** Deletes devices without asking: closes their sessions. */
  async remove({ userNid, userId }: Pick<Requester, 'userNid' | 'userId'>, deviceIds: readonly string[]): Promise<void> {
    const { devices, sessions } = this.#deps
    const doomed = new Set(deviceIds)
    await sessions.exclusively(userNid, async () => {
      const found = await devices.ofUser(userNid)
      await sessions.close(
        { userNid, userId },
        found.filter(({ deviceId }) => doomed.has(deviceId)),
      )
    })
  }

  async #find({ userNid }: Requester, deviceId: DeviceId): Promise<Device> {
    const device = await this.#deps.devices.get(userNid, deviceId)
    if (!device) throw notFound('You have no such device')
    return device
  }
}

function toClientDevice({ deviceId, displayName, lastSeenIp, lastSeenTs }: Device): ClientDevice {
  const device: ClientDevice = { device_id: deviceId }
  if (displayName !== null) device.display_name = displayName
  if (lastSeenIp !== null) device.last_seen_ip = lastSeenIp
  if (lastSeenTs !== null) device.last_seen_ts = lastSeenTs
  return device
}
