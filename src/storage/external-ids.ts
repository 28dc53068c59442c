import type { Batch, Database } from './database.ts'

const OWNER = 'SELECT user_nid FROM external_ids WHERE provider = ? AND subject = ?'
const ANY = 'SELECT 1 AS n FROM external_ids WHERE user_nid = ? LIMIT 1'
const ANY_OF = 'SELECT 1 AS n FROM external_ids WHERE user_nid = ? AND provider = ? LIMIT 1'
const INSERT = 'INSERT INTO external_ids (provider, subject, user_nid) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'

/** The `external_ids` table: who is who at services through which users log in. */
export class ExternalIds {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The nid of the user whom `provider` calls `subject`. */
  async owner(provider: string, subject: string): Promise<number | undefined> {
    return (await this.#db.get<{ user_nid: number }>(OWNER, provider, subject))?.user_nid
  }

  /** Whether the user can log in through another service, or through this one. */
  async has(userNid: number, provider?: string): Promise<boolean> {
    const row = provider === undefined ? this.#db.get(ANY, userNid) : this.#db.get(ANY_OF, userNid, provider)
    return (await row) !== undefined
  }

  add(batch: Batch, provider: string, subject: string, userNid: number): void {
    batch.run(INSERT, provider, subject, userNid)
  }
}
