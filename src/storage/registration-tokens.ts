import type { Batch, Database } from './database.ts'

const COLUMNS = 'token, uses_allowed, uses, expires_ts'
const GET = `SELECT ${COLUMNS} FROM registration_tokens WHERE token = ?`
const ALL = `SELECT ${COLUMNS} FROM registration_tokens ORDER BY token`
const INSERT = 'INSERT INTO registration_tokens (token, uses_allowed, expires_ts) VALUES (?, ?, ?)'
const USE = 'UPDATE registration_tokens SET uses = uses + 1 WHERE token = ?'
const REMOVE = 'DELETE FROM registration_tokens WHERE token = ?'

/** Lets those who know it register. */
export interface RegistrationToken {
  readonly token: string
  /** How many accounts it may make; null is any number. */
  readonly usesAllowed: number | null
  readonly uses: number
  /** Milliseconds since the Unix epoch. */
  readonly expiresTs: number | null
}

interface RegistrationTokenRow {
  token: string
  uses_allowed: number | null
  uses: number
  expires_ts: number | null
}

/** The `registration_tokens` table. */
export class RegistrationTokens {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async get(token: string): Promise<RegistrationToken | undefined> {
    const row = await this.#db.get<RegistrationTokenRow>(GET, token)
    return row && toToken(row)
  }

  async all(): Promise<RegistrationToken[]> {
    return (await this.#db.all<RegistrationTokenRow>(ALL)).map(toToken)
  }

  /** A new token; the batch fails when there is one of that text. */
  add(batch: Batch, token: string, usesAllowed: number | null, expiresTs: number | null): void {
    batch.run(INSERT, token, usesAllowed, expiresTs)
  }

  /** One more account has been made with it. */
  countUse(batch: Batch, token: string): void {
    batch.run(USE, token)
  }

  remove(batch: Batch, token: string): void {
    batch.run(REMOVE, token)
  }
}

const toToken = (row: RegistrationTokenRow): RegistrationToken => ({
  token: row.token,
  usesAllowed: row.uses_allowed,
  uses: row.uses,
  expiresTs: row.expires_ts,
})
