import type { Batch, Database } from './database.ts'

const COLUMNS = 'sid, purpose, address, client_secret, token_hash, send_attempt, next_link, validated_ts'
const GET = `SELECT ${COLUMNS} FROM validations WHERE sid = ? AND expires_ts > ?`
const OF_REQUEST = `SELECT ${COLUMNS} FROM validations WHERE purpose = ? AND address = ? AND client_secret = ? AND expires_ts > ?`
const SAVE = `INSERT INTO validations (${COLUMNS}, expires_ts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (sid) DO UPDATE SET token_hash = excluded.token_hash, send_attempt = excluded.send_attempt,
  next_link = excluded.next_link, expires_ts = excluded.expires_ts`
const PASS = 'UPDATE validations SET validated_ts = ? WHERE sid = ?'
const REMOVE = 'DELETE FROM validations WHERE sid = ?'
const REMOVE_EXPIRED = 'DELETE FROM validations WHERE expires_ts <= ?'

/** What an address is proven for. A proof for one serves no other. */
export type Purpose = 'register' | 'password' | 'add'

/** A proof under way, or made, that somebody reads the mail of an address. */
export interface Validation {
  readonly sid: string
  readonly purpose: Purpose
  readonly address: string
  /** Known to the client that has asked only. */
  readonly clientSecret: string
  /** Of the token in the newest mail. */
  readonly tokenHash: string
  readonly sendAttempt: number
  /** Where the reader of the mail is sent to in the end. */
  readonly nextLink: string | null
  /** Milliseconds since the Unix epoch; null as long as the link has not been followed. */
  readonly validatedTs: number | null
}

interface ValidationRow {
  sid: string
  purpose: Purpose
  address: string
  client_secret: string
  token_hash: string
  send_attempt: number
  next_link: string | null
  validated_ts: number | null
}

/** The `validations` table. */
export class Validations {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Undefined where there is none or it has expired by `now`. */
  async get(sid: string, now: number): Promise<Validation | undefined> {
    return toValidation(await this.#db.get<ValidationRow>(GET, sid, now))
  }

  /** That of an earlier, like request. */
  async ofRequest(purpose: Purpose, address: string, clientSecret: string, now: number): Promise<Validation | undefined> {
    return toValidation(await this.#db.get<ValidationRow>(OF_REQUEST, purpose, address, clientSecret, now))
  }

  /** Adds one, or replaces what another mail changes. */
  save(batch: Batch, validation: Validation, expiresTs: number): void {
    const { sid, purpose, address, clientSecret, tokenHash, sendAttempt, nextLink, validatedTs } = validation
    batch.run(SAVE, sid, purpose, address, clientSecret, tokenHash, sendAttempt, nextLink, validatedTs, expiresTs)
  }

  /** The link of the mail has been followed. */
  pass(batch: Batch, sid: string, now: number): void {
    batch.run(PASS, now, sid)
  }

  remove(batch: Batch, sid: string): void {
    batch.run(REMOVE, sid)
  }

  removeExpired(batch: Batch, now: number): void {
    batch.run(REMOVE_EXPIRED, now)
  }
}

const toValidation = (row: ValidationRow | undefined): Validation | undefined =>
  row && {
    sid: row.sid,
    purpose: row.purpose,
    address: row.address,
    clientSecret: row.client_secret,
    tokenHash: row.token_hash,
    sendAttempt: row.send_attempt,
    nextLink: row.next_link,
    validatedTs: row.validated_ts,
  }
