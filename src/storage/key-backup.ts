import { parseJson } from '../core/json-text.ts'
import type { Json } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'

const COLUMNS = 'version, algorithm, auth_data, revision, size, deleted'
const GET = `SELECT ${COLUMNS} FROM key_backups WHERE user_nid = ? AND version = ?`
const CURRENT = `SELECT ${COLUMNS} FROM key_backups WHERE user_nid = ? AND deleted = 0 ORDER BY version DESC LIMIT 1`
const LAST = 'SELECT max(version) AS n FROM key_backups WHERE user_nid = ?'
const COUNT = 'SELECT count(*) AS n FROM key_backups WHERE user_nid = ? AND deleted = 0'
const ADD = 'INSERT INTO key_backups (user_nid, version, algorithm, auth_data) VALUES (?, ?, ?, ?)'
const SET_AUTH = 'UPDATE key_backups SET auth_data = ? WHERE user_nid = ? AND version = ?'
const SET_SIZE = 'UPDATE key_backups SET revision = ?, size = ? WHERE user_nid = ? AND version = ?'
const DELETE = `UPDATE key_backups SET deleted = 1, auth_data = 'null', size = 0 WHERE user_nid = ? AND version = ?`

const KEY_COLUMNS = 'room_id, session_id, first_message_index, forwarded_count, is_verified, session_data'
const ALL_KEYS = `SELECT ${KEY_COLUMNS} FROM backed_up_keys WHERE user_nid = ? AND version = ?`
const ROOM_KEYS = `${ALL_KEYS} AND room_id = ?`
const ONE_KEY = `${ROOM_KEYS} AND session_id = ?`
const SET_KEY = `INSERT INTO backed_up_keys (user_nid, version, ${KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (user_nid, version, room_id, session_id) DO UPDATE SET first_message_index = excluded.first_message_index,
  forwarded_count = excluded.forwarded_count, is_verified = excluded.is_verified, session_data = excluded.session_data`
const REMOVE_ALL = 'DELETE FROM backed_up_keys WHERE user_nid = ? AND version = ?'
const REMOVE_ROOM = `${REMOVE_ALL} AND room_id = ?`
const REMOVE_ONE = `${REMOVE_ROOM} AND session_id = ?`

/** One version of a user's backup, without its keys. */
export interface KeyBackup {
  readonly version: number
  readonly algorithm: string
  readonly authData: Json
  /** Goes up with every change of the keys. */
  readonly revision: number
  /** How many keys it has. */
  readonly size: number
  readonly deleted: boolean
}

/** The backed up keys of one Megolm session. */
export interface BackedUpKey {
  readonly roomId: string
  readonly sessionId: string
  readonly firstMessageIndex: number
  readonly forwardedCount: number
  readonly isVerified: boolean
  readonly sessionData: Json
}

/** Which keys of a backup: all, those of a room, or one. */
export type KeyRange = readonly [] | readonly [roomId: string] | readonly [roomId: string, sessionId: string]

interface BackupRow {
  version: number
  algorithm: string
  auth_data: string
  revision: number
  size: number
  deleted: number
}

interface KeyRow {
  room_id: string
  session_id: string
  first_message_index: number
  forwarded_count: number
  is_verified: number
  session_data: string
}

/** The tables `key_backups` and `backed_up_keys`. */
export class KeyBackupTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** A version that there is, or was. */
  async get(userNid: number, version: number): Promise<KeyBackup | undefined> {
    const row = await this.#db.get<BackupRow>(GET, userNid, version)
    return row && toBackup(row)
  }

  /** The newest version that was not deleted. */
  async current(userNid: number): Promise<KeyBackup | undefined> {
    const row = await this.#db.get<BackupRow>(CURRENT, userNid)
    return row && toBackup(row)
  }

  /** How many versions a user has not deleted. */
  async count(userNid: number): Promise<number> {
    return (await this.#db.get<{ n: number }>(COUNT, userNid))?.n ?? 0
  }

  /** The highest version that was ever made; 0 for none. */
  async lastVersion(userNid: number): Promise<number> {
    return (await this.#db.get<{ n: number | null }>(LAST, userNid))?.n ?? 0
  }

  add(batch: Batch, userNid: number, version: number, algorithm: string, authData: Json): void {
    batch.run(ADD, userNid, version, algorithm, JSON.stringify(authData))
  }

  setAuthData(batch: Batch, userNid: number, version: number, authData: Json): void {
    batch.run(SET_AUTH, JSON.stringify(authData), userNid, version)
  }

  setSize(batch: Batch, userNid: number, version: number, revision: number, size: number): void {
    batch.run(SET_SIZE, revision, size, userNid, version)
  }

  /** Deletes a version and its keys. */
  delete(batch: Batch, userNid: number, version: number): void {
    batch.run(DELETE, userNid, version)
    batch.run(REMOVE_ALL, userNid, version)
  }

  async keys(userNid: number, version: number, range: KeyRange): Promise<BackedUpKey[]> {
    const sql = [ALL_KEYS, ROOM_KEYS, ONE_KEY][range.length] ?? ALL_KEYS
    return (await this.#db.all<KeyRow>(sql, userNid, version, ...range)).map(toKey)
  }

  /** Those of a set of sessions, named by room and session id, that the version has a key of. */
  async find(userNid: number, version: number, sessions: readonly (readonly [string, string])[]): Promise<BackedUpKey[]> {
    const rows = await this.#db.many<KeyRow>(
      ONE_KEY,
      sessions.map(([roomId, sessionId]) => [userNid, version, roomId, sessionId]),
    )
    return rows.map(toKey)
  }

  setKey(batch: Batch, userNid: number, version: number, key: BackedUpKey): void {
    const { roomId, sessionId, firstMessageIndex, forwardedCount, isVerified, sessionData } = key
    const values = [roomId, sessionId, firstMessageIndex, forwardedCount, isVerified ? 1 : 0, JSON.stringify(sessionData)]
    batch.run(SET_KEY, userNid, version, ...values)
  }

  removeKeys(batch: Batch, userNid: number, version: number, range: KeyRange): void {
    const sql = [REMOVE_ALL, REMOVE_ROOM, REMOVE_ONE][range.length] ?? REMOVE_ALL
    batch.run(sql, userNid, version, ...range)
  }
}

function toBackup({ auth_data, deleted, ...row }: BackupRow): KeyBackup {
  return { ...row, authData: parseJson(auth_data), deleted: deleted === 1 }
}

function toKey(row: KeyRow): BackedUpKey {
  return {
    roomId: row.room_id,
    sessionId: row.session_id,
    firstMessageIndex: row.first_message_index,
    forwardedCount: row.forwarded_count,
    isVerified: row.is_verified === 1,
    sessionData: parseJson(row.session_data),
  }
}
