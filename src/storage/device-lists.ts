import type { DeviceId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import { JOINED } from './memberships.ts'

const NOTE = `INSERT INTO device_lists (user_nid, changed) VALUES (?, ?)
  ON CONFLICT (user_nid) DO UPDATE SET changed = excluded.changed`
const CHANGED = 'SELECT user_nid FROM device_lists WHERE changed > ? AND changed <= ?'
const NOTE_PRIVATE = `INSERT INTO private_device_lists (reader_nid, user_nid, changed) VALUES (?, ?, ?)
  ON CONFLICT (reader_nid, user_nid) DO UPDATE SET changed = excluded.changed`
const CHANGED_PRIVATE = 'SELECT user_nid FROM private_device_lists WHERE reader_nid = ? AND changed > ? AND changed <= ?'
/** For the users of ours in the room whom a member parts from, and for the member if it is one. */
const NOTE_PARTING = `WITH given (room_nid, user_nid, position) AS (VALUES (?, ?, ?)),
    others (user_nid) AS (SELECT m.user_nid FROM memberships m JOIN given g ON g.room_nid = m.room_nid AND g.user_nid <> m.user_nid
      WHERE m.membership = ${JOINED})
  INSERT INTO partings (reader_nid, user_nid, parted)
  SELECT o.user_nid, g.user_nid, g.position FROM given g JOIN others o JOIN accounts a ON a.user_nid = o.user_nid
  UNION ALL SELECT g.user_nid, o.user_nid, g.position FROM given g JOIN others o JOIN accounts a ON a.user_nid = g.user_nid
  WHERE true ON CONFLICT (reader_nid, user_nid) DO UPDATE SET parted = excluded.parted`
const PARTED = 'SELECT user_nid FROM partings WHERE reader_nid = ? AND parted > ? AND parted <= ?'
const ADD_NEWS = 'INSERT INTO device_list_news (position, user_nid, device_id) VALUES (?, ?, ?)'
// A member who only changes name or avatar has not joined: the membership began before.
const ADD_ENTRY = `INSERT INTO device_list_news (position, user_nid, room_nid)
  SELECT position, user_nid, room_nid FROM memberships WHERE room_nid = ? AND user_nid = ? AND began = ?`
const NEWS = 'SELECT position, device_id, room_nid FROM device_list_news WHERE user_nid = ? ORDER BY position'
const NEWS_USERS = 'SELECT DISTINCT user_nid FROM device_list_news'
const REMOVE_NEWS = 'DELETE FROM device_list_news WHERE user_nid = ? AND position <= ?'
const STREAM = 'SELECT stream_id FROM device_list_streams WHERE user_nid = ?'
const SET_STREAM = `INSERT INTO device_list_streams (user_nid, stream_id) VALUES (?, ?)
  ON CONFLICT (user_nid) DO UPDATE SET stream_id = excluded.stream_id`

/** A change of a local user that other servers are to be told of. */
export interface DeviceListNews {
  readonly position: number
  /** Null for a change of cross-signing keys, and for a user who has joined a room. */
  readonly deviceId: DeviceId | null
  /** The room that the user has joined. */
  readonly roomNid: number | null
}

/** When users' devices and cross-signing keys changed, and who has not been told yet. */
export class DeviceListsTable {
  readonly #db: Database
  #lastChange: number
  #lastPrivateChange: number
  #lastParting: number

  constructor(db: Database) {
    this.#db = db
    this.#lastChange = db.position
    this.#lastPrivateChange = db.position
    this.#lastParting = db.position
  }

  /** Notes a change that all see who share a room with the user, and the user. */
  note(batch: Batch, userNid: number): void {
    const position = batch.nextPosition()
    batch.run(NOTE, userNid, position)
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (committed) this.#lastChange = Math.max(this.#lastChange, position)
    })
  }

  /** Notes a change that only `readerNid` sees. */
  notePrivately(batch: Batch, readerNid: number, userNid: number): void {
    const position = batch.nextPosition()
    batch.run(NOTE_PRIVATE, readerNid, userNid, position)
    batch.touchUser(readerNid)
    batch.onSettled((committed) => {
      if (committed) this.#lastPrivateChange = Math.max(this.#lastPrivateChange, position)
    })
  }

  /** Notes, for each user of ours whom it concerns, that a membership of a room is about to be taken back as if it had never been. */
  noteParting(batch: Batch, roomNid: number, userNid: number): void {
    const position = batch.nextPosition()
    batch.run(NOTE_PARTING, roomNid, userNid, position)
    batch.onSettled((committed) => {
      if (committed) this.#lastParting = Math.max(this.#lastParting, position)
    })
  }

  /** From whom such a membership that was taken back after `position` and up to `upTo` has parted the reader. */
  async partedSince(readerNid: number, position: number, upTo: number): Promise<number[]> {
    if (position >= this.#lastParting) return []
    return (await this.#db.all<{ user_nid: number }>(PARTED, readerNid, position, upTo)).map((row) => row.user_nid)
  }

  /** False where it is certain that nobody's devices have changed after `position`, as all see them. */
  mayHaveChanged(position: number): boolean {
    return position < this.#lastChange
  }

  /** All users who last had changes after `position` and up to `upTo`. */
  async changedSince(position: number, upTo: number): Promise<number[]> {
    if (!this.mayHaveChanged(position)) return []
    return (await this.#db.all<{ user_nid: number }>(CHANGED, position, upTo)).map((row) => row.user_nid)
  }

  /** The users who last had changes after `position` and up to `upTo` that only the reader sees. */
  async privatelyChangedSince(readerNid: number, position: number, upTo: number): Promise<number[]> {
    if (position >= this.#lastPrivateChange) return []
    return (await this.#db.all<{ user_nid: number }>(CHANGED_PRIVATE, readerNid, position, upTo)).map((row) => row.user_nid)
  }

  addNews(batch: Batch, userNid: number, deviceId: DeviceId | null): void {
    batch.run(ADD_NEWS, batch.nextPosition(), userNid, deviceId)
  }

  /** Notes that a user has joined a room, if the membership that was set at `position` has made a member of them. */
  addEntry(batch: Batch, userNid: number, roomNid: number, position: number): void {
    batch.run(ADD_ENTRY, roomNid, userNid, position)
  }

  /** What other servers have not been told of a user, in order. */
  async news(userNid: number): Promise<DeviceListNews[]> {
    const rows = await this.#db.all<{ position: number; device_id: DeviceId | null; room_nid: number | null }>(NEWS, userNid)
    return rows.map((row) => ({ position: row.position, deviceId: row.device_id, roomNid: row.room_nid }))
  }

  /** All users of whom other servers have not been told everything. */
  async usersWithNews(): Promise<number[]> {
    return (await this.#db.all<{ user_nid: number }>(NEWS_USERS)).map((row) => row.user_nid)
  }

  removeNews(batch: Batch, userNid: number, upTo: number): void {
    batch.run(REMOVE_NEWS, userNid, upTo)
  }

  /** The `stream_id` of the last change of a local user's devices; undefined before the first. */
  async streamId(userNid: number): Promise<number | undefined> {
    return (await this.#db.get<{ stream_id: number }>(STREAM, userNid))?.stream_id
  }

  setStreamId(batch: Batch, userNid: number, streamId: number): void {
    batch.run(SET_STREAM, userNid, streamId)
  }
}
