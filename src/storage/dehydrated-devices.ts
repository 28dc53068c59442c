import type { DeviceId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import type { Batch, Database } from './database.ts'

const OF_USER = `SELECT h.device_nid, d.device_id, h.device_data FROM dehydrated_devices h JOIN devices d ON d.device_nid = h.device_nid
  WHERE h.user_nid = ?`
const ADD = 'INSERT INTO dehydrated_devices (user_nid, device_nid, device_data) VALUES (?, ?, ?)'
const REMOVE = 'DELETE FROM dehydrated_devices WHERE device_nid = ?'

/** A device that collects messages while nobody is logged in on it. */
export interface DehydratedDevice {
  readonly deviceNid: number
  readonly deviceId: DeviceId
  /** What a client needs to become it, encrypted. */
  readonly deviceData: JsonObject
}

/** The `dehydrated_devices` table: at most one for each user. */
export class DehydratedDevicesTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async ofUser(userNid: number): Promise<DehydratedDevice | undefined> {
    const row = await this.#db.get<{ device_nid: number; device_id: DeviceId; device_data: string }>(OF_USER, userNid)
    return row && { deviceNid: row.device_nid, deviceId: row.device_id, deviceData: parseJson(row.device_data) as JsonObject }
  }

  /** The batch fails when the user has one. */
  add(batch: Batch, userNid: number, deviceNid: number, deviceData: JsonObject): void {
    batch.run(ADD, userNid, deviceNid, JSON.stringify(deviceData))
  }

  /** A device that is gone is dehydrated no longer: these two make it a listener of sessions. */
  deviceRemoved(batch: Batch, { deviceNid }: { readonly deviceNid: number }): void {
    batch.run(REMOVE, deviceNid)
  }

  deviceChanged(): void {}
}
