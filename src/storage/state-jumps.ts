import { RecentCache } from '../core/recent-cache.ts'
import type { Batch, Database } from './database.ts'

const OF_ROOM = 'SELECT position, state_root FROM state_jumps WHERE room_nid = ? ORDER BY position'
const INSERT = 'INSERT INTO state_jumps (room_nid, position, state_root) VALUES (?, ?, ?)'

/** From `position` on, until the next event of the timeline, the room's state is the one at `root`. */
export interface StateJump {
  readonly position: number
  readonly root: number
}

/**
 * The `state_jumps` table: where state resolution has made a room's state another than that after the last event of its
 * timeline. With it, the state at any stream position is known.
 */
export class StateJumps {
  readonly #db: Database
  readonly #jumps = new RecentCache<number, StateJump[]>(20_000)

  constructor(db: Database) {
    this.#db = db
  }

  /** Notes the room's state from now on; after the event whose arrival has changed it was put into the timeline. */
  add(batch: Batch, roomNid: number, root: number): void {
    const jump = { position: batch.nextPosition(), root }
    batch.run(INSERT, roomNid, jump.position, root)
    batch.touchRoom(roomNid)
    batch.onSettled((committed) => {
      if (committed) this.#jumps.get(roomNid)?.push(jump)
    })
  }

  /** The last jump at or before `position`, if it is after `after`. */
  async last(roomNid: number, after: number, position: number): Promise<StateJump | undefined> {
    const jumps = this.#jumps.get(roomNid) ?? (await this.#load(roomNid))
    if (jumps.length === 0) return undefined
    return jumps.findLast((jump) => jump.position <= position && jump.position > after)
  }

  async #load(roomNid: number): Promise<StateJump[]> {
    const rows = await this.#db.all<{ position: number; state_root: number }>(OF_ROOM, roomNid)
    const meanwhile = this.#jumps.get(roomNid)
    if (meanwhile) return meanwhile
    const jumps = rows.map((row) => ({ position: row.position, root: row.state_root }))
    this.#jumps.set(roomNid, jumps)
    return jumps
  }
}
