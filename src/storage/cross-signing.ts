import { parseJson } from '../core/json-text.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'

const USAGES = { master: 1, self_signing: 2, user_signing: 3 } as const
/** What a cross-signing key is for. */
export type KeyUsage = keyof typeof USAGES

const OF_USER = 'SELECT user_nid, usage, key FROM cross_signing_keys WHERE user_nid = ?'
const SET = `INSERT INTO cross_signing_keys (user_nid, usage, key) VALUES (?, ?, ?)
  ON CONFLICT (user_nid, usage) DO UPDATE SET key = excluded.key`
const REMOVE = 'DELETE FROM cross_signing_keys WHERE user_nid = ? AND usage = ?'
const REMOVE_ALL = 'DELETE FROM cross_signing_keys WHERE user_nid = ?'
const SIGNATURES = `SELECT s.user_nid, s.target, n.name AS signer, s.key_id, s.signature FROM key_signatures s
  JOIN names n ON n.nid = s.signer_nid WHERE s.user_nid = ? AND s.signer_nid = ?`
const SIGN = `INSERT INTO key_signatures (user_nid, target, signer_nid, key_id, signature) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (user_nid, target, signer_nid, key_id) DO UPDATE SET signature = excluded.signature`
const REMOVE_SIGNATURES = 'DELETE FROM key_signatures WHERE user_nid = ? AND target = ?'

/** A user's cross-signing keys, as they were uploaded. */
export type CrossSigningKeys = Partial<Record<KeyUsage, JsonObject>>

/** A signature on a device or a key of a user. */
export interface KeySignature {
  /** The device id, or the public key. */
  readonly target: string
  readonly signer: string
  readonly keyId: string
  readonly signature: string
}

/** Cross-signing keys, and the signatures made with them: `cross_signing_keys` and `key_signatures`. */
export class CrossSigningTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async ofUser(userNid: number): Promise<CrossSigningKeys> {
    const keys: CrossSigningKeys = {}
    for (const { usage, key } of await this.#db.all<{ usage: number; key: string }>(OF_USER, userNid)) {
      const name = (Object.keys(USAGES) as KeyUsage[]).find((candidate) => USAGES[candidate] === usage)
      if (name) keys[name] = parseJson(key) as JsonObject
    }
    return keys
  }

  set(batch: Batch, userNid: number, usage: KeyUsage, key: JsonObject): void {
    batch.run(SET, userNid, USAGES[usage], JSON.stringify(key))
  }

  remove(batch: Batch, userNid: number, usage: KeyUsage): void {
    batch.run(REMOVE, userNid, USAGES[usage])
  }

  removeAll(batch: Batch, userNid: number): void {
    batch.run(REMOVE_ALL, userNid)
  }

  /** The signatures that these signers have put on what belongs to a user. */
  async signatures(userNid: number, signerNids: readonly number[]): Promise<KeySignature[]> {
    const rows = await this.#db.many<{ target: string; signer: string; key_id: string; signature: string }>(
      SIGNATURES,
      [...new Set(signerNids)].map((signerNid) => [userNid, signerNid]),
    )
    return rows.map(({ target, signer, key_id, signature }) => ({ target, signer, keyId: key_id, signature }))
  }

  sign(batch: Batch, userNid: number, signerNid: number, { target, keyId, signature }: Omit<KeySignature, 'signer'>): void {
    batch.run(SIGN, userNid, target, signerNid, keyId, signature)
  }

  /** Drops all signatures on a device or key: it is gone, or another one now. */
  removeSignatures(batch: Batch, userNid: number, target: string): void {
    batch.run(REMOVE_SIGNATURES, userNid, target)
  }
}
