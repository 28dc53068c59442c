import type { RoomAlias } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'

const GET = 'SELECT alias, room_nid, creator_nid FROM aliases WHERE alias = ?'
const OF_ROOM = 'SELECT alias, room_nid, creator_nid FROM aliases WHERE room_nid = ? ORDER BY alias'
const COUNT_BY = 'SELECT count(*) AS n FROM aliases WHERE creator_nid = ?'
const INSERT = 'INSERT INTO aliases (alias, room_nid, creator_nid) VALUES (?, ?, ?)'
const MOVE = 'UPDATE aliases SET room_nid = ? WHERE alias = ?'
const DELETE = 'DELETE FROM aliases WHERE alias = ?'

export interface AliasRow {
  alias: RoomAlias
  room_nid: number
  creator_nid: number
}

/** The `aliases` table: the aliases that this server has given to rooms. */
export class Aliases {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async get(alias: RoomAlias): Promise<AliasRow | undefined> {
    return this.#db.get(GET, alias)
  }

  async ofRoom(roomNid: number): Promise<AliasRow[]> {
    return this.#db.all(OF_ROOM, roomNid)
  }

  /** How many a user has given. */
  async countBy(creatorNid: number): Promise<number> {
    return (await this.#db.get<{ n: number }>(COUNT_BY, creatorNid))?.n ?? 0
  }

  /** A new alias; the batch fails when it is taken. */
  add(batch: Batch, alias: RoomAlias, roomNid: number, creatorNid: number): void {
    batch.run(INSERT, alias, roomNid, creatorNid)
  }

  /** Lets an alias lead to another room. */
  move(batch: Batch, alias: RoomAlias, roomNid: number): void {
    batch.run(MOVE, roomNid, alias)
  }

  remove(batch: Batch, alias: RoomAlias): void {
    batch.run(DELETE, alias)
  }
}
