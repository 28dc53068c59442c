import type { DeviceId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const COLUMNS = 'device_nid, user_nid, device_id, display_name, last_seen_ts, last_seen_ip, last_seen_agent'
const GET = `SELECT ${COLUMNS} FROM devices WHERE user_nid = ? AND device_id = ?`
const OF_USER = `SELECT ${COLUMNS} FROM devices WHERE user_nid = ? ORDER BY device_nid`
const COUNT = 'SELECT count(*) AS n FROM devices WHERE user_nid = ?'
const INSERT = 'INSERT INTO devices (device_nid, user_nid, device_id, display_name) VALUES (?, ?, ?, ?)'
const RENAME = 'UPDATE devices SET display_name = ? WHERE device_nid = ?'
const SEEN = 'UPDATE devices SET last_seen_ts = ?, last_seen_ip = ?, last_seen_agent = ? WHERE device_nid = ?'
const DELETE = 'DELETE FROM devices WHERE device_nid = ?'

/** A device of a local user. */
export interface Device {
  readonly deviceNid: number
  readonly userNid: number
  readonly deviceId: DeviceId
  readonly displayName: string | null
  /** When it last made a request, in milliseconds since the Unix epoch; up to some minutes late. */
  readonly lastSeenTs: number | null
  readonly lastSeenIp: string | null
  readonly lastSeenAgent: string | null
}

/** From where a device was heard of, and when. */
export interface Sighting {
  readonly ts: number
  readonly ip: string | null
  readonly userAgent: string | null
}

interface DeviceRow {
  device_nid: number
  user_nid: number
  device_id: DeviceId
  display_name: string | null
  last_seen_ts: number | null
  last_seen_ip: string | null
  last_seen_agent: string | null
}

/** The `devices` table: the devices of local users. */
export class Devices {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async get(userNid: number, deviceId: DeviceId): Promise<Device | undefined> {
    const row = await this.#db.get<DeviceRow>(GET, userNid, deviceId)
    return row && toDevice(row)
  }

  /** All devices of a user, the oldest first. */
  async ofUser(userNid: number): Promise<Device[]> {
    return (await this.#db.all<DeviceRow>(OF_USER, userNid)).map(toDevice)
  }

  async count(userNid: number): Promise<number> {
    return (await this.#db.get<{ n: number }>(COUNT, userNid))?.n ?? 0
  }

  /** A new device; answers its nid. The batch fails when the user has one of that id. */
  add(batch: Batch, userNid: number, deviceId: DeviceId, displayName: string | null): number {
    const deviceNid = batch.nextPosition()
    batch.run(INSERT, deviceNid, userNid, deviceId, displayName)
    return deviceNid
  }

  rename(batch: Batch, deviceNid: number, displayName: string): void {
    batch.run(RENAME, displayName, deviceNid)
  }

  setSeen(batch: Batch, deviceNid: number, { ts, ip, userAgent }: Sighting): void {
    batch.run(SEEN, ts, ip, userAgent, deviceNid)
  }

  remove(batch: Batch, deviceNid: number): void {
    batch.run(DELETE, deviceNid)
  }
}

function toDevice(row: DeviceRow): Device {
  return {
    deviceNid: row.device_nid,
    userNid: row.user_nid,
    deviceId: row.device_id,
    displayName: row.display_name,
    lastSeenTs: row.last_seen_ts,
    lastSeenIp: row.last_seen_ip,
    lastSeenAgent: row.last_seen_agent,
  }
}
