import { RecentCache } from '../core/recent-cache.ts'
import type { RoomId } from '../../schemas/ids.ts'
import { type RoomRules, roomRules } from '../protocol/room-versions.ts'
import type { Batch, Database } from './database.ts'
import { packIntegers, unpackIntegers } from './varint.ts'

const COLUMNS = 'room_nid, room_id, version'
const BY_ID = `SELECT ${COLUMNS} FROM rooms WHERE room_id = ?`
const BY_NID = `SELECT ${COLUMNS} FROM rooms WHERE room_nid = ?`
const INSERT = 'INSERT INTO rooms (room_nid, room_id, version) VALUES (?, ?, ?)'
const HEAD = 'SELECT extremities, state_root FROM rooms WHERE room_nid = ?'
const CROWDED = `SELECT ${COLUMNS}, extremities FROM rooms WHERE length(extremities) > ?`
const SET_HEAD = 'UPDATE rooms SET extremities = ?, state_root = ? WHERE room_nid = ?'
const SET_PUBLISHED = 'UPDATE rooms SET published = ? WHERE room_nid = ?'
const PUBLISHED = `SELECT ${COLUMNS}, (SELECT count(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.membership = 2) AS joined
  FROM rooms r WHERE published = 1 ORDER BY joined DESC, room_nid`
const IS_PUBLISHED = 'SELECT published FROM rooms WHERE room_nid = ?'

/** A room that we know of. */
export interface Room {
  readonly nid: number
  readonly roomId: RoomId
  readonly rules: RoomRules
}

export interface PublishedRoom {
  readonly room: Room
  readonly joined: number
}

/** Where a room's history ends for now. */
export interface StoredHead {
  /** Nids of the forward extremities; undefined for a room that none of our users was ever joined to. */
  extremities: number[] | undefined
  stateRoot: number
}

interface RoomRow {
  room_nid: number
  room_id: RoomId
  version: string
}

/** The `rooms` table. */
export class Rooms {
  readonly #db: Database
  readonly #byId = new RecentCache<string, Room>(20_000)
  readonly #byNid = new RecentCache<number, Room>(20_000)
  /** Rooms of batches that are not durable yet: nobody may draw another nid for them. */
  readonly #pending = new Map<string, Room>()
  #last: number

  constructor(db: Database) {
    this.#db = db
    this.#last = db.maximum('rooms', 'room_nid')
  }

  async find(roomId: RoomId): Promise<Room | undefined> {
    return this.#byId.get(roomId) ?? this.#pending.get(roomId) ?? this.#remember(await this.#db.get<RoomRow>(BY_ID, roomId))
  }

  /** The room of a nid that a row gave us. */
  async get(nid: number): Promise<Room> {
    const room = this.#byNid.get(nid) ?? this.#remember(await this.#db.get<RoomRow>(BY_NID, nid))
    if (!room) throw new Error(`no room has the nid ${nid}`)
    return room
  }

  async head(nid: number): Promise<StoredHead> {
    const row = await this.#db.get<{ extremities: Uint8Array | null; state_root: number }>(HEAD, nid)
    return { extremities: row?.extremities ? unpackIntegers(row.extremities) : undefined, stateRoot: row?.state_root ?? 0 }
  }

  /** The rooms with more than so many forward extremities. Looks at every room. */
  async crowded(extremities: number): Promise<Room[]> {
    const rows = await this.#db.all<RoomRow & { extremities: Uint8Array }>(CROWDED, extremities)
    return rows.filter((row) => unpackIntegers(row.extremities).length > extremities).map(toRoom)
  }

  /** The rooms in the public list with the number of their joined members, the largest first. */
  async published(): Promise<PublishedRoom[]> {
    const rows = await this.#db.all<RoomRow & { joined: number }>(PUBLISHED)
    return rows.map((row) => ({ room: toRoom(row), joined: row.joined }))
  }

  async isPublished(nid: number): Promise<boolean> {
    return (await this.#db.get<{ published: number }>(IS_PUBLISHED, nid))?.published === 1
  }

  /** A new room; the batch fails when its id is taken. */
  create(batch: Batch, roomId: RoomId, rules: RoomRules): Room {
    const room = this.draw(roomId, rules)
    this.add(batch, room)
    return room
  }

  /** A room with a nid of its own that is still to be added, so that all of its first writes can be one chain. */
  draw(roomId: RoomId, rules: RoomRules): Room {
    return { nid: ++this.#last, roomId, rules }
  }

  /** Queues a room that was drawn; the batch fails when its id is taken. */
  add(batch: Batch, room: Room): void {
    const { nid, roomId, rules } = room
    batch.run(INSERT, nid, roomId, rules.version)
    this.#pending.set(roomId, room)
    batch.onSettled((committed) => {
      this.#pending.delete(roomId)
      if (!committed) return
      this.#byId.set(roomId, room)
      this.#byNid.set(nid, room)
    })
  }

  setHead(batch: Batch, nid: number, extremities: readonly number[], stateRoot: number): void {
    batch.run(SET_HEAD, packIntegers(extremities), stateRoot, nid)
  }

  setPublished(batch: Batch, nid: number, published: boolean): void {
    batch.run(SET_PUBLISHED, published ? 1 : 0, nid)
  }

  #remember(row: RoomRow | undefined): Room | undefined {
    if (!row) return undefined
    const room = toRoom(row)
    this.#byId.set(room.roomId, room)
    this.#byNid.set(room.nid, room)
    return room
  }
}

function toRoom(row: RoomRow): Room {
  const rules = roomRules(row.version)
  if (!rules) throw new Error(`room ${row.room_id} has the unknown version ${row.version}`)
  return { nid: row.room_nid, roomId: row.room_id, rules }
}
