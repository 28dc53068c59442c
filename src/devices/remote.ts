/** Port to other servers for what they know of their users' devices. https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption */
import type { DeviceId, ServerName, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'

/** By user, then by device. */
export type ByDevice<T> = Record<string, Record<string, T>>

export interface RemoteKeys {
  readonly device_keys: ByDevice<JsonObject>
  readonly master_keys?: Record<string, JsonObject>
  readonly self_signing_keys?: Record<string, JsonObject>
}

/** All devices of a user. */
export interface RemoteUserDevices {
  stream_id: number
  devices: { device_id: DeviceId; keys?: JsonObject; device_display_name?: string }[]
  master_key?: JsonObject
  self_signing_key?: JsonObject
}

export interface RemoteCallOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Every call rejects with a MatrixError where the server does not answer, or not as it should. */
export interface RemoteDevices {
  /** @param deviceKeys by user: the devices, or none for all of them */
  queryKeys(server: ServerName, deviceKeys: Record<string, string[]>, options: RemoteCallOptions): Promise<RemoteKeys>
  /** @param oneTimeKeys by user and device: the algorithm */
  claimKeys(server: ServerName, oneTimeKeys: ByDevice<string>, options: RemoteCallOptions): Promise<ByDevice<JsonObject>>
  userDevices(server: ServerName, userId: UserId, options: RemoteCallOptions): Promise<RemoteUserDevices>
}
