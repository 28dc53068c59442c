import type { JsonObject } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import type { Batch, Database } from './database.ts'

const GET = 'SELECT state FROM sso_sessions WHERE key_hash = ? AND expires_ts > ?'
const ADD = 'INSERT INTO sso_sessions (key_hash, state, expires_ts) VALUES (?, ?, ?)'
const REMOVE = 'DELETE FROM sso_sessions WHERE key_hash = ?'
const REMOVE_EXPIRED = 'DELETE FROM sso_sessions WHERE expires_ts <= ?'

/** What a browser is sent elsewhere for: to log in at a client, or to pass a stage of user-interactive authentication. */
export type SsoPurpose = { readonly redirectUrl: string } | { readonly uiaSession: string }

/** Somebody as an identity provider knows them. */
export interface ExternalIdentity {
  readonly issuer: string
  /** Never given to anybody else by the issuer. */
  readonly subject: string
  /** The name they would have here; not checked yet. */
  readonly localpart?: string
  readonly displayName?: string
  /** Theirs, as the issuer has verified; in its canonical form. */
  readonly email?: string
}

/** A login through an identity provider that is under way in one browser. */
export interface SsoSession {
  readonly providerId: string
  /** Of the secret that the browser keeps. */
  readonly browserHash: string
  readonly purpose: SsoPurpose
  /** The browser is at the provider; or it is back, and the user has yet to choose a name. */
  readonly step:
    | { readonly kind: 'away'; readonly nonce: string; readonly codeVerifier: string }
    | { readonly kind: 'nameless'; readonly identity: ExternalIdentity }
}

/** The `sso_sessions` table. */
export class SsoSessions {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Undefined where there is none or it has expired by `now`. */
  async get(keyHash: string, now: number): Promise<SsoSession | undefined> {
    const row = await this.#db.get<{ state: string }>(GET, keyHash, now)
    return row && (parseJson(row.state) as JsonObject & SsoSession)
  }

  add(batch: Batch, keyHash: string, session: SsoSession, expiresTs: number): void {
    batch.run(ADD, keyHash, JSON.stringify(session), expiresTs)
  }

  remove(batch: Batch, keyHash: string): void {
    batch.run(REMOVE, keyHash)
  }

  removeExpired(batch: Batch, now: number): void {
    batch.run(REMOVE_EXPIRED, now)
  }
}
