import type { ServerName } from '../../schemas/ids.ts'
import type { Database } from './database.ts'

const COLUMNS = 'server, key_id, public_key, valid_until_ts, expired, fetched_ts, response'
const OF_SERVER = `SELECT ${COLUMNS} FROM server_keys WHERE server = ?`
/** Also where the key is known already: which of two answers counts is decided before it comes here. */
const PUT = `INSERT OR REPLACE INTO server_keys (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`
const DELETE = 'DELETE FROM server_keys WHERE server = ? AND key_id = ?'

/** A verify key that another server has published. */
export interface StoredKey {
  readonly server: ServerName
  readonly keyId: string
  /** Unpadded base64. */
  readonly publicKey: string
  /** `valid_until_ts` as published; for a key that was given up, its `expired_ts`. Milliseconds since the epoch. */
  readonly validUntilTs: number
  /** It was listed among `old_verify_keys`: it verifies events from before its end, and no requests. */
  readonly expired: boolean
  /** When we got the answer that said so. */
  readonly fetchedTs: number
  /** That answer, signed, as JSON text; empty for a key that was given up. */
  readonly response: string
}

interface KeyRow {
  server: string
  key_id: string
  public_key: string
  valid_until_ts: number
  expired: number
  fetched_ts: number
  response: string
}

/** The keys of other servers, for ever: old events are checked with them long after a server is gone. */
export class ServerKeys {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** All keys that are known of these servers. */
  async keysOf(servers: readonly ServerName[]): Promise<StoredKey[]> {
    const rows = await this.#db.many<KeyRow>(
      OF_SERVER,
      servers.map((server) => [server]),
    )
    return rows.map(fromRow)
  }

  /** Adds keys, or replaces what was known of them, and forgets others. Resolves when that is durable. */
  async change({ put, forget }: { put: readonly StoredKey[]; forget: readonly StoredKey[] }): Promise<void> {
    await this.#db.write((batch) => {
      for (const key of forget) batch.run(DELETE, key.server, key.keyId)
      for (const key of put) {
        const { server, keyId, publicKey, validUntilTs, expired, fetchedTs, response } = key
        batch.run(PUT, server, keyId, publicKey, validUntilTs, expired ? 1 : 0, fetchedTs, response)
      }
    })
  }
}

function fromRow(row: KeyRow): StoredKey {
  return {
    server: row.server as ServerName,
    keyId: row.key_id,
    publicKey: row.public_key,
    validUntilTs: row.valid_until_ts,
    expired: row.expired === 1,
    fetchedTs: row.fetched_ts,
    response: row.response,
  }
}
