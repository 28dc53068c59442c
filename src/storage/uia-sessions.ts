import { parseJson } from '../core/json-text.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'

const GET = 'SELECT operation, parameters, completed, outcome FROM uia_sessions WHERE session_id = ? AND expires_ts > ?'
const SAVE = `INSERT INTO uia_sessions (session_id, operation, parameters, completed, outcome, expires_ts) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (session_id) DO UPDATE SET parameters = excluded.parameters, completed = excluded.completed, outcome = excluded.outcome`
const REMOVE = 'DELETE FROM uia_sessions WHERE session_id = ?'
const REMOVE_OLDEST = `DELETE FROM uia_sessions WHERE session_id IN
  (SELECT session_id FROM uia_sessions WHERE operation >= ? AND operation < ? ORDER BY expires_ts DESC LIMIT -1 OFFSET ?)`
const REMOVE_EXPIRED = 'DELETE FROM uia_sessions WHERE expires_ts <= ?'

/** A user-interactive authentication under way. */
export interface UiaSession {
  /** What it is for: it serves nothing else. */
  readonly operation: string
  /** What the requests so far have asked for. */
  readonly parameters: JsonObject
  /** The stages passed in order, each with what it has found out. */
  readonly completed: Readonly<Record<string, Json>>
  /** What came of the operation, once it is done. */
  readonly outcome: Json | undefined
}

interface UiaSessionRow {
  operation: string
  parameters: string
  completed: string
  outcome: string | null
}

/** The `uia_sessions` table. */
export class UiaSessions {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The session, or undefined where there is none or it has expired by `now`. */
  async get(key: string, now: number): Promise<UiaSession | undefined> {
    const row = await this.#db.get<UiaSessionRow>(GET, key, now)
    if (!row) return undefined
    return {
      operation: row.operation,
      parameters: parseJson(row.parameters) as JsonObject,
      completed: parseJson(row.completed) as Record<string, Json>,
      outcome: row.outcome === null ? undefined : (parseJson(row.outcome) as Json),
    }
  }

  /** Adds a session that lasts until `expiresTs`, or replaces all but its operation and its end. */
  save(batch: Batch, key: string, session: UiaSession, expiresTs: number): void {
    const outcome = session.outcome === undefined ? null : JSON.stringify(session.outcome)
    batch.run(
      SAVE,
      key,
      session.operation,
      JSON.stringify(session.parameters),
      JSON.stringify(session.completed),
      outcome,
      expiresTs,
    )
  }

  remove(batch: Batch, key: string): void {
    batch.run(REMOVE, key)
  }

  /** Keeps the newest of those only whose operations begin with `prefix`, which ends in a space. */
  removeOldest(batch: Batch, prefix: string, kept: number): void {
    batch.run(REMOVE_OLDEST, prefix, `${prefix.slice(0, -1)}!`, kept)
  }

  removeExpired(batch: Batch, now: number): void {
    batch.run(REMOVE_EXPIRED, now)
  }
}
