import { parseJson } from '../core/json-text.ts'
import type { DeviceId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'
import { RecentCache } from '../core/recent-cache.ts'
import { StreamIndex } from './stream-index.ts'

const SET_KEYS = `INSERT INTO device_keys (device_nid, keys) VALUES (?, ?) ON CONFLICT (device_nid) DO UPDATE SET keys = excluded.keys`
const GET_KEYS = 'SELECT keys FROM device_keys WHERE device_nid = ?'
const OF_USER = `SELECT d.device_id, d.display_name, k.keys FROM devices d JOIN device_keys k ON k.device_nid = d.device_nid
  WHERE d.user_nid = ? ORDER BY d.device_nid`
const ADD_ONE_TIME = 'INSERT INTO one_time_keys (device_nid, algorithm, key_id, key, position) VALUES (?, ?, ?, ?, ?)'
const ONE_TIME = 'SELECT algorithm, key_id, key FROM one_time_keys WHERE device_nid = ? AND algorithm = ? AND key_id = ?'
const FIRST_ONE_TIME = `SELECT algorithm, key_id, key FROM one_time_keys WHERE device_nid = ? AND algorithm = ?
  ORDER BY position LIMIT 1`
const REMOVE_ONE_TIME = 'DELETE FROM one_time_keys WHERE device_nid = ? AND algorithm = ? AND key_id = ?'
const COUNTS = 'SELECT algorithm, count(*) AS n FROM one_time_keys WHERE device_nid = ? GROUP BY algorithm'
const SET_FALLBACK = `INSERT INTO fallback_keys (device_nid, algorithm, key_id, key) VALUES (?, ?, ?, ?)
  ON CONFLICT (device_nid, algorithm) DO UPDATE SET key_id = excluded.key_id, key = excluded.key, used = 0`
const FALLBACK = 'SELECT algorithm, key_id, key, used FROM fallback_keys WHERE device_nid = ? AND algorithm = ?'
const USE_FALLBACK = 'UPDATE fallback_keys SET used = 1 WHERE device_nid = ? AND algorithm = ?'
const UNUSED = 'SELECT algorithm FROM fallback_keys WHERE device_nid = ? AND used = 0 ORDER BY algorithm'
const REMOVE_ALL = [
  'DELETE FROM device_keys WHERE device_nid = ?',
  'DELETE FROM one_time_keys WHERE device_nid = ?',
  'DELETE FROM fallback_keys WHERE device_nid = ?',
]

/** A device with identity keys. */
export interface DeviceWithKeys {
  readonly deviceId: DeviceId
  readonly displayName: string | null
  /** As they were uploaded. */
  readonly keys: JsonObject
}

/** A one-time or fallback key. */
export interface SingleKey {
  readonly algorithm: string
  readonly keyId: string
  /** JSON text. */
  readonly key: string
}

/** What a device has left to give out. */
export interface KeySupply {
  /** One-time keys by algorithm. */
  readonly counts: Readonly<Record<string, number>>
  /** Algorithms of which there is a fallback key that was not given out yet. */
  readonly unusedFallbacks: readonly string[]
}

interface KeyRow {
  algorithm: string
  key_id: string
  key: string
}

/** The keys of local devices: `device_keys`, `one_time_keys` and `fallback_keys`. */
export class DeviceKeysTable {
  readonly #db: Database
  readonly #claims: StreamIndex<number>
  /** Every sync asks for it. */
  readonly #supplies = new RecentCache<number, KeySupply>(20_000)

  constructor(db: Database) {
    this.#db = db
    this.#claims = new StreamIndex(db.position)
  }

  /** The identity keys of one device, as they were uploaded. */
  async get(deviceNid: number): Promise<JsonObject | undefined> {
    const row = await this.#db.get<{ keys: string }>(GET_KEYS, deviceNid)
    return row && (parseJson(row.keys) as JsonObject)
  }

  /** Those devices of a user that have keys, the oldest first. */
  async ofUser(userNid: number): Promise<DeviceWithKeys[]> {
    const rows = await this.#db.all<{ device_id: DeviceId; display_name: string | null; keys: string }>(OF_USER, userNid)
    return rows.map((row) => ({
      deviceId: row.device_id,
      displayName: row.display_name,
      keys: parseJson(row.keys) as JsonObject,
    }))
  }

  set(batch: Batch, deviceNid: number, keys: JsonObject): void {
    batch.run(SET_KEYS, deviceNid, JSON.stringify(keys))
  }

  /** Those of a device's one-time keys that have one of these ids. */
  async oneTime(deviceNid: number, keys: readonly Pick<SingleKey, 'algorithm' | 'keyId'>[]): Promise<SingleKey[]> {
    const rows = await this.#db.many<KeyRow>(
      ONE_TIME,
      keys.map(({ algorithm, keyId }) => [deviceNid, algorithm, keyId]),
    )
    return rows.map(toKey)
  }

  /** The one that was uploaded first. */
  async firstOneTime(deviceNid: number, algorithm: string): Promise<SingleKey | undefined> {
    const row = await this.#db.get<KeyRow>(FIRST_ONE_TIME, deviceNid, algorithm)
    return row && toKey(row)
  }

  addOneTime(batch: Batch, deviceNid: number, { algorithm, keyId, key }: SingleKey): void {
    batch.run(ADD_ONE_TIME, deviceNid, algorithm, keyId, key, batch.nextPosition())
    this.#forgetSupply(batch, deviceNid)
  }

  /** Takes a key that is given out, and lets the device's owner hear of it. */
  removeOneTime(batch: Batch, device: { userNid: number; deviceNid: number }, { algorithm, keyId }: SingleKey): void {
    batch.run(REMOVE_ONE_TIME, device.deviceNid, algorithm, keyId)
    this.#noteClaim(batch, device)
  }

  /** How many one-time keys of each algorithm a device has left. */
  async counts(deviceNid: number): Promise<Record<string, number>> {
    const rows = await this.#db.all<{ algorithm: string; n: number }>(COUNTS, deviceNid)
    return Object.fromEntries(rows.map(({ algorithm, n }) => [algorithm, n]))
  }

  /** What a device has left to give out, one-time and fallback keys. */
  async supply(deviceNid: number): Promise<KeySupply> {
    const known = this.#supplies.get(deviceNid)
    if (known) return known
    const supply = { counts: await this.counts(deviceNid), unusedFallbacks: await this.unusedFallbacks(deviceNid) }
    this.#supplies.set(deviceNid, supply)
    return supply
  }

  /** The same, where it is in memory. */
  supplyAtHand(deviceNid: number): KeySupply | undefined {
    return this.#supplies.get(deviceNid)
  }

  async fallback(deviceNid: number, algorithm: string): Promise<(SingleKey & { used: boolean }) | undefined> {
    const row = await this.#db.get<KeyRow & { used: number }>(FALLBACK, deviceNid, algorithm)
    return row && { ...toKey(row), used: row.used === 1 }
  }

  setFallback(batch: Batch, deviceNid: number, { algorithm, keyId, key }: SingleKey): void {
    batch.run(SET_FALLBACK, deviceNid, algorithm, keyId, key)
    this.#forgetSupply(batch, deviceNid)
  }

  useFallback(batch: Batch, device: { userNid: number; deviceNid: number }, algorithm: string): void {
    batch.run(USE_FALLBACK, device.deviceNid, algorithm)
    this.#noteClaim(batch, device)
  }

  /** The algorithms of which a device has a fallback key that was not given out yet. */
  async unusedFallbacks(deviceNid: number): Promise<string[]> {
    return (await this.#db.all<{ algorithm: string }>(UNUSED, deviceNid)).map(({ algorithm }) => algorithm)
  }

  /** Whether one of a device's keys was given out after `position`; of what was before the start nothing is known. */
  wasClaimed(deviceNid: number, position: number): boolean {
    return this.#claims.covers(position) && this.#claims.mayHaveChanged(deviceNid, position)
  }

  removeAll(batch: Batch, deviceNid: number): void {
    for (const sql of REMOVE_ALL) batch.run(sql, deviceNid)
    this.#forgetSupply(batch, deviceNid)
  }

  #forgetSupply(batch: Batch, deviceNid: number): void {
    batch.onSettled(() => this.#supplies.delete(deviceNid))
  }

  #noteClaim(batch: Batch, { userNid, deviceNid }: { userNid: number; deviceNid: number }): void {
    this.#forgetSupply(batch, deviceNid)
    const position = batch.nextPosition()
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (committed) this.#claims.set(deviceNid, position)
    })
  }
}

function toKey(row: KeyRow): SingleKey {
  return { algorithm: row.algorithm, keyId: row.key_id, key: row.key }
}
