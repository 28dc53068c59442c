import { RecentCache } from '../core/recent-cache.ts'
import { parseJson } from '../core/json-text.ts'
import { serverOf, type ServerName, type UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'
import { StreamIndex } from './stream-index.ts'

const CODES = { invite: 1, join: 2, knock: 3, leave: 4, ban: 5 } as const
export type Membership = keyof typeof CODES
/** How the tables have it that somebody is in a room. */
export const JOINED = CODES.join
const MEMBERSHIPS = Object.fromEntries(Object.entries(CODES).map(([name, code]) => [code, name])) as Record<number, Membership>

const COLUMNS = 'room_nid, user_nid, membership, event_nid, position, began, forgotten'
const SET = `INSERT INTO memberships (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, 0)
  ON CONFLICT (room_nid, user_nid) DO UPDATE SET
    began = CASE WHEN memberships.membership = excluded.membership THEN memberships.began ELSE excluded.began END,
    membership = excluded.membership, event_nid = excluded.event_nid, position = excluded.position, forgotten = 0`
const BEGUN = `SELECT ${COLUMNS} FROM memberships WHERE room_nid = ? AND began > ?`
const REMOVE = 'DELETE FROM memberships WHERE room_nid = ? AND user_nid = ?'
const FORGET = 'UPDATE memberships SET forgotten = 1 WHERE room_nid = ? AND user_nid = ?'
const OF_USER = `SELECT ${COLUMNS} FROM memberships WHERE user_nid = ?`
const OF_ROOM = `SELECT ${COLUMNS} FROM memberships WHERE room_nid = ?`
const JOINED_NAMES = `SELECT m.user_nid, n.name FROM memberships m JOIN names n ON n.nid = m.user_nid WHERE m.room_nid = ? AND m.membership = ${CODES.join}`
const INVITED_COUNT = `SELECT count(*) AS n FROM memberships WHERE room_nid = ? AND membership = ${CODES.invite}`
const FIRST = `SELECT m.user_nid, n.name FROM memberships m JOIN names n ON n.nid = m.user_nid
  WHERE m.room_nid = ? AND m.membership IN (?, ?) ORDER BY m.position LIMIT ?`
const SET_STRIPPED = `INSERT INTO stripped_state (room_nid, user_nid, state) VALUES (?, ?, ?)
  ON CONFLICT (room_nid, user_nid) DO UPDATE SET state = excluded.state`
const REMOVE_STRIPPED = 'DELETE FROM stripped_state WHERE room_nid = ? AND user_nid = ?'
const STRIPPED = 'SELECT state FROM stripped_state WHERE room_nid = ? AND user_nid = ?'

/** A user's current membership of a room, as its current state (or an invite from outside) says. */
export interface MembershipRecord {
  readonly roomNid: number
  readonly userNid: number
  readonly membership: Membership
  readonly eventNid: number
  /** The stream position of its event. */
  readonly position: number
  /** The stream position at which the membership became what it is: later events may have changed the member's name. */
  readonly began: number
  readonly forgotten: boolean
}

/** Who is in a room now: kept up to date in memory while the room is in use. */
export interface RoomMembers {
  /** Joined users by nid. */
  readonly joined: ReadonlyMap<number, UserId>
  /** How many users are joined from each server. */
  readonly servers: ReadonlyMap<ServerName, number>
}

type MembershipListener = (
  batch: Batch,
  roomNid: number,
  user: { nid: number; userId: UserId },
  set: { membership: Membership; position: number },
) => void

interface MembershipRow {
  room_nid: number
  user_nid: number
  membership: number
  event_nid: number
  position: number
  began: number
  forgotten: number
}

interface MutableMembers {
  joined: Map<number, UserId>
  servers: Map<ServerName, number>
}

/** The `memberships` table, and the stripped state of invites and knocks. */
export class Memberships {
  readonly #db: Database
  readonly #ofUser = new RecentCache<number, Map<number, MembershipRecord>>(10_000)
  readonly #members = new RecentCache<number, MutableMembers>(2_000)
  readonly #listeners: MembershipListener[] = []
  readonly #removalListeners: ((batch: Batch, roomNid: number, userNid: number) => void)[] = []
  /** When a membership of a room was last set. */
  readonly #moves: StreamIndex<number>

  constructor(db: Database) {
    this.#db = db
    this.#moves = new StreamIndex(db.position)
  }

  /** A user's memberships by room nid, rooms left or forgotten included. The map is live: it follows later commits. */
  async ofUser(userNid: number): Promise<ReadonlyMap<number, MembershipRecord>> {
    return this.#ofUser.get(userNid) ?? this.#loadUser(userNid)
  }

  /** One user's membership of one room. */
  async get(roomNid: number, userNid: number): Promise<MembershipRecord | undefined> {
    return (await this.ofUser(userNid)).get(roomNid)
  }

  /** All memberships of a room, whatever they are. */
  async ofRoom(roomNid: number): Promise<MembershipRecord[]> {
    return (await this.#db.all<MembershipRow & Record<string, number>>(OF_ROOM, roomNid)).map(toRecord)
  }

  /** Who is joined to a room. The answer is live, and runs ahead of the disk. */
  async members(roomNid: number): Promise<RoomMembers> {
    const cached = this.#members.get(roomNid)
    if (cached) return cached
    const members: MutableMembers = { joined: new Map(), servers: new Map() }
    for (const { user_nid, name } of await this.#db.all<{ user_nid: number; name: UserId }>(JOINED_NAMES, roomNid))
      admit(members, user_nid, name)
    const meanwhile = this.#members.get(roomNid)
    if (meanwhile) return meanwhile
    this.#members.set(roomNid, members)
    return members
  }

  /** How many users are joined from each server, where that is in memory. The answer is live, and runs ahead of the disk. */
  servers(roomNid: number): ReadonlyMap<ServerName, number> | undefined {
    return this.#members.get(roomNid)?.servers
  }

  /** The memberships of a room that have become what they are after a position. */
  async begunSince(roomNid: number, position: number): Promise<MembershipRecord[]> {
    if (!this.#moves.mayHaveChanged(roomNid, position)) return []
    return (await this.#db.all<MembershipRow & Record<string, number>>(BEGUN, roomNid, position)).map(toRecord)
  }

  /** Hears of every membership that is set, inside of the write that sets it. */
  onSet(listener: MembershipListener): void {
    this.#listeners.push(listener)
  }

  /** Hears of every membership that is taken back, inside of the write that does so and before it is gone. */
  onRemove(listener: (batch: Batch, roomNid: number, userNid: number) => void): void {
    this.#removalListeners.push(listener)
  }

  async invitedCount(roomNid: number): Promise<number> {
    return (await this.#db.get<{ n: number }>(INVITED_COUNT, roomNid))?.n ?? 0
  }

  /** The users of a room with one of two memberships, those first who have been in it for the longest; at most `limit`. */
  async first(roomNid: number, either: Membership, or: Membership, limit: number): Promise<UserId[]> {
    const rows = await this.#db.all<{ user_nid: number; name: UserId }>(FIRST, roomNid, CODES[either], CODES[or], limit)
    return rows.map(({ name }) => name)
  }

  set(batch: Batch, roomNid: number, user: { nid: number; userId: UserId }, membership: Membership, eventNid: number): void {
    const position = batch.nextPosition()
    batch.run(SET, roomNid, user.nid, CODES[membership], eventNid, position, position)
    batch.touchUser(user.nid)
    this.#anticipate(batch, roomNid, (members) =>
      membership === 'join' ? admit(members, user.nid, user.userId) : dismiss(members, user.nid),
    )
    batch.onSettled((committed) => {
      if (committed) this.#moves.set(roomNid, position)
      const records = committed ? this.#ofUser.get(user.nid) : undefined
      const before = records?.get(roomNid)
      const began = before?.membership === membership ? before.began : position
      records?.set(roomNid, { roomNid, userNid: user.nid, membership, eventNid, position, began, forgotten: false })
    })
    for (const listener of this.#listeners) listener(batch, roomNid, user, { membership, position })
  }

  /** Takes a membership back that state resolution has undone. */
  remove(batch: Batch, roomNid: number, user: { nid: number; userId: UserId }): void {
    for (const listener of this.#removalListeners) listener(batch, roomNid, user.nid)
    batch.run(REMOVE, roomNid, user.nid)
    batch.touchUser(user.nid)
    this.#anticipate(batch, roomNid, (members) => dismiss(members, user.nid))
    batch.onSettled((committed) => {
      if (committed) this.#ofUser.get(user.nid)?.delete(roomNid)
    })
  }

  /** Hides a room that the user has left. */
  forget(batch: Batch, roomNid: number, userNid: number): void {
    batch.run(FORGET, roomNid, userNid)
    batch.onSettled((committed) => {
      const rooms = committed ? this.#ofUser.get(userNid) : undefined
      const record = rooms?.get(roomNid)
      if (record) rooms?.set(roomNid, { ...record, forgotten: true })
    })
  }

  setStrippedState(batch: Batch, roomNid: number, userNid: number, state: readonly JsonObject[]): void {
    batch.run(SET_STRIPPED, roomNid, userNid, JSON.stringify(state))
  }

  removeStrippedState(batch: Batch, roomNid: number, userNid: number): void {
    batch.run(REMOVE_STRIPPED, roomNid, userNid)
  }

  /** The stripped state that came with the user's invite or knock. */
  async strippedState(roomNid: number, userNid: number): Promise<JsonObject[]> {
    const row = await this.#db.get<{ state: string }>(STRIPPED, roomNid, userNid)
    return row ? (parseJson(row.state) as JsonObject[]) : []
  }

  /**
   * Who is in a room runs ahead of the disk like the room's head: the next event must go to the servers that the last one let in.
   * A failed write drops what it had changed.
   */
  #anticipate(batch: Batch, roomNid: number, change: (members: MutableMembers) => void): void {
    const apply = () => {
      const members = this.#members.get(roomNid)
      if (members) change(members)
    }
    apply()
    batch.onSettled((committed) => (committed ? apply() : this.#members.delete(roomNid)))
  }

  async #loadUser(userNid: number): Promise<Map<number, MembershipRecord>> {
    const rows = await this.#db.all<MembershipRow & Record<string, number>>(OF_USER, userNid)
    const meanwhile = this.#ofUser.get(userNid)
    if (meanwhile) return meanwhile
    const records = new Map(rows.map((row) => [row.room_nid, toRecord(row)]))
    this.#ofUser.set(userNid, records)
    return records
  }
}

function admit({ joined, servers }: MutableMembers, userNid: number, userId: UserId): void {
  if (joined.has(userNid)) return
  joined.set(userNid, userId)
  const server = serverOf(userId)
  servers.set(server, (servers.get(server) ?? 0) + 1)
}

function dismiss({ joined, servers }: MutableMembers, userNid: number): void {
  const userId = joined.get(userNid)
  if (userId === undefined) return
  joined.delete(userNid)
  const server = serverOf(userId)
  const left = (servers.get(server) ?? 1) - 1
  if (left === 0) servers.delete(server)
  else servers.set(server, left)
}

function toRecord(row: MembershipRow): MembershipRecord {
  return {
    roomNid: row.room_nid,
    userNid: row.user_nid,
    membership: MEMBERSHIPS[row.membership] ?? 'leave',
    eventNid: row.event_nid,
    position: row.position,
    began: row.began,
    forgotten: row.forgotten === 1,
  }
}
