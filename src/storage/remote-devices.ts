import { parseJson } from '../core/json-text.ts'
import type { DeviceId, ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'

const GET = 'SELECT stream_id, stale FROM remote_device_lists WHERE user_nid = ?'
const SET = `INSERT INTO remote_device_lists (user_nid, server, stream_id) VALUES (?, ?, ?)
  ON CONFLICT (user_nid) DO UPDATE SET stream_id = excluded.stream_id, stale = 0`
const ADVANCE = 'UPDATE remote_device_lists SET stream_id = ? WHERE user_nid = ?'
const MARK_STALE = `INSERT INTO remote_device_lists (user_nid, server, stream_id, stale) VALUES (?, ?, 0, 1)
  ON CONFLICT (user_nid) DO UPDATE SET stale = 1`
const MARK_ROOM_STALE = `UPDATE remote_device_lists SET stale = 1
  WHERE user_nid IN (SELECT user_nid FROM memberships WHERE room_nid = ? AND membership = 2)`
const MARK_ENTRY_STALE = `UPDATE remote_device_lists SET stale = 1
  WHERE user_nid = (SELECT user_nid FROM memberships WHERE room_nid = ? AND user_nid = ? AND began = ?)`
const STALE_OF = 'SELECT user_nid FROM remote_device_lists WHERE server = ? AND stale = 1'
const STALE_SERVERS = 'SELECT DISTINCT server FROM remote_device_lists WHERE stale = 1'
const DEVICES = 'SELECT device_id, keys, display_name FROM remote_devices WHERE user_nid = ? ORDER BY device_id'
const SET_DEVICE = `INSERT INTO remote_devices (user_nid, device_id, keys, display_name) VALUES (?, ?, ?, ?)
  ON CONFLICT (user_nid, device_id) DO UPDATE SET keys = excluded.keys, display_name = excluded.display_name`
const REMOVE_DEVICE = 'DELETE FROM remote_devices WHERE user_nid = ? AND device_id = ?'
const REMOVE_DEVICES = 'DELETE FROM remote_devices WHERE user_nid = ?'
const REMOVE = 'DELETE FROM remote_device_lists WHERE user_nid = ?'

/** How well a remote user's devices are known. */
export interface RemoteDeviceList {
  /** The `stream_id` of the last update in it. */
  readonly streamId: number
  /** An update is missing. */
  readonly stale: boolean
}

export interface RemoteDevice {
  readonly deviceId: DeviceId
  readonly displayName: string | null
  /** Null for a device without keys. */
  readonly keys: JsonObject | null
}

/** The devices of remote users that we keep track of: `remote_device_lists` and `remote_devices`. */
export class RemoteDevicesTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(userNid: number): Promise<RemoteDeviceList | undefined> {
    const row = await this.#db.get<{ stream_id: number; stale: number }>(GET, userNid)
    return row && { streamId: row.stream_id, stale: row.stale === 1 }
  }

  async devices(userNid: number): Promise<RemoteDevice[]> {
    const rows = await this.#db.all<{ device_id: DeviceId; keys: string | null; display_name: string | null }>(DEVICES, userNid)
    return rows.map(({ device_id, keys, display_name }) => ({
      deviceId: device_id,
      displayName: display_name,
      keys: keys === null ? null : (parseJson(keys) as JsonObject),
    }))
  }

  /** Puts a whole list in the place of what there was. */
  replace(batch: Batch, userNid: number, server: ServerName, streamId: number, devices: readonly RemoteDevice[]): void {
    batch.run(REMOVE_DEVICES, userNid)
    batch.run(SET, userNid, server, streamId)
    for (const device of devices) this.#setDevice(batch, userNid, device)
  }

  /** Applies one update to a list that is up to date: another device in the place of the one of its id, or its end. */
  update(batch: Batch, userNid: number, streamId: number, device: RemoteDevice, isDeleted: boolean): void {
    if (isDeleted) batch.run(REMOVE_DEVICE, userNid, device.deviceId)
    else this.#setDevice(batch, userNid, device)
    batch.run(ADVANCE, streamId, userNid)
  }

  markStale(batch: Batch, userNid: number, server: ServerName): void {
    batch.run(MARK_STALE, userNid, server)
  }

  /** Marks the lists of all users who are joined to a room. */
  markRoomStale(batch: Batch, roomNid: number): void {
    batch.run(MARK_ROOM_STALE, roomNid)
  }

  /** Marks the list of a user who has joined a room, if the membership that was set at `position` has made a member of them. */
  markEntryStale(batch: Batch, userNid: number, roomNid: number, position: number): void {
    batch.run(MARK_ENTRY_STALE, roomNid, userNid, position)
  }

  /** The users of a server whose lists are stale. */
  async staleOf(server: ServerName): Promise<number[]> {
    return (await this.#db.all<{ user_nid: number }>(STALE_OF, server)).map((row) => row.user_nid)
  }

  /** The servers with users whose lists are stale. */
  async staleServers(): Promise<ServerName[]> {
    return (await this.#db.all<{ server: ServerName }>(STALE_SERVERS)).map(({ server }) => server)
  }

  /** Gives a list up: updates of it do not reach us any more. */
  remove(batch: Batch, userNid: number): void {
    batch.run(REMOVE_DEVICES, userNid)
    batch.run(REMOVE, userNid)
  }

  #setDevice(batch: Batch, userNid: number, { deviceId, keys, displayName }: RemoteDevice): void {
    batch.run(SET_DEVICE, userNid, deviceId, keys && JSON.stringify(keys), displayName)
  }
}
