import type { JsonObject } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import type { Batch, Database } from './database.ts'

const OF_USER = 'SELECT device_nid, pusher, set_ts FROM pushers WHERE user_nid = ? ORDER BY set_ts'
const SET = `INSERT INTO pushers (user_nid, app_id, pushkey, device_nid, pusher, set_ts) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (user_nid, app_id, pushkey) DO UPDATE SET device_nid = excluded.device_nid, pusher = excluded.pusher, set_ts = excluded.set_ts`
const REMOVE = 'DELETE FROM pushers WHERE user_nid = ? AND app_id = ? AND pushkey = ?'
const REMOVE_OTHERS = 'DELETE FROM pushers WHERE app_id = ? AND pushkey = ? AND user_nid <> ?'
const REMOVE_OF_DEVICE = 'DELETE FROM pushers WHERE user_nid = ? AND device_nid = ?'

/** Where a user wants to be notified. */
export interface StoredPusher {
  readonly deviceNid: number
  /** As the client gave it. */
  readonly pusher: JsonObject
  /** Milliseconds since the Unix epoch. */
  readonly setTs: number
}

/** What tells a user's pushers apart. */
export interface PusherKey {
  readonly appId: string
  readonly pushkey: string
}

/** The `pushers` table. */
export class Pushers {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async ofUser(userNid: number): Promise<StoredPusher[]> {
    const rows = await this.#db.all<{ device_nid: number; pusher: string; set_ts: number }>(OF_USER, userNid)
    return rows.map((row) => ({ deviceNid: row.device_nid, pusher: parseJson(row.pusher) as JsonObject, setTs: row.set_ts }))
  }

  set(batch: Batch, userNid: number, { appId, pushkey }: PusherKey, { deviceNid, pusher, setTs }: StoredPusher): void {
    batch.run(SET, userNid, appId, pushkey, deviceNid, JSON.stringify(pusher), setTs)
  }

  remove(batch: Batch, userNid: number, { appId, pushkey }: PusherKey): void {
    batch.run(REMOVE, userNid, appId, pushkey)
  }

  /** Takes a key away from all users but one. */
  removeOfOthers(batch: Batch, userNid: number, { appId, pushkey }: PusherKey): void {
    batch.run(REMOVE_OTHERS, appId, pushkey, userNid)
  }

  removeOfDevice(batch: Batch, userNid: number, deviceNid: number): void {
    batch.run(REMOVE_OF_DEVICE, userNid, deviceNid)
  }
}
