import type { Batch, Database } from './database.ts'
import { StreamIndex } from './stream-index.ts'

const GET = 'SELECT rules, position FROM push_rules WHERE user_nid = ?'
const SET = `INSERT INTO push_rules (user_nid, rules, position) VALUES (?, ?, ?)
  ON CONFLICT (user_nid) DO UPDATE SET rules = excluded.rules, position = excluded.position`
const REMOVE = 'DELETE FROM push_rules WHERE user_nid = ?'

/** The `push_rules` table: how each user's rules differ from the defaults, as JSON text. */
export class PushRulesTable {
  readonly #db: Database
  readonly #changes: StreamIndex<number>

  constructor(db: Database) {
    this.#db = db
    this.#changes = new StreamIndex(db.position)
  }

  async get(userNid: number): Promise<{ rules: string; position: number } | undefined> {
    return this.#db.get(GET, userNid)
  }

  /** When the user's rules last changed, or a later position; good for telling that they have not changed. */
  changedAt(userNid: number): number {
    return this.#changes.get(userNid)
  }

  set(batch: Batch, userNid: number, rules: string): void {
    const position = batch.nextPosition()
    batch.run(SET, userNid, rules, position)
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (committed) this.#changes.set(userNid, position)
    })
  }

  remove(batch: Batch, userNid: number): void {
    batch.run(REMOVE, userNid)
  }
}
