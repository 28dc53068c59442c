import type { DeviceId, UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import type { RateLimitOverride } from './rate-limit-overrides.ts'

const BEARER = 'd.user_nid, d.device_nid, d.device_id, n.name, a.kind, a.admin, a.locked, a.suspended, a.deactivated'
const OWNER =
  'JOIN devices d ON d.device_nid = t.device_nid JOIN accounts a ON a.user_nid = d.user_nid JOIN names n ON n.nid = d.user_nid'
const FIND_ACCESS = `SELECT ${BEARER}, t.expires_ts, t.refresh_hash, r.traded_hash, o.messages_per_second, o.burst_count FROM access_tokens t ${OWNER}
  LEFT JOIN refresh_tokens r ON r.hash = t.refresh_hash LEFT JOIN rate_limit_overrides o ON o.user_nid = d.user_nid WHERE t.hash = ?`
const FIND_REFRESH = `SELECT ${BEARER}, t.hash AS refresh_hash, t.traded_hash FROM refresh_tokens t ${OWNER} WHERE t.hash = ?`
const OF_DEVICE = 'SELECT hash FROM access_tokens WHERE device_nid = ?'
const INSERT_ACCESS = 'INSERT INTO access_tokens (hash, device_nid, expires_ts, refresh_hash) VALUES (?, ?, ?, ?)'
const INSERT_REFRESH = 'INSERT INTO refresh_tokens (hash, device_nid, traded_hash, created_ts) VALUES (?, ?, ?, ?)'
const DELETE_ACCESS = 'DELETE FROM access_tokens WHERE device_nid = ?'
const DELETE_REFRESH = 'DELETE FROM refresh_tokens WHERE device_nid = ?'
const DELETE_EXPIRED = 'DELETE FROM access_tokens WHERE device_nid = ? AND expires_ts < ?'
const DELETE_ABANDONED = 'DELETE FROM refresh_tokens WHERE traded_hash = ? AND created_ts < ?'
const DELETE_TRADED = 'DELETE FROM refresh_tokens WHERE hash = ?'
const SETTLE = 'UPDATE refresh_tokens SET traded_hash = NULL WHERE traded_hash = ?'

/** Whom a token stands for, and how it came to be. */
export interface Bearer {
  readonly userNid: number
  readonly userId: UserId
  readonly deviceNid: number
  readonly deviceId: DeviceId
  readonly isGuest: boolean
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  readonly isDeactivated: boolean
  /** Milliseconds since the Unix epoch; null where it lasts until the session is closed. */
  readonly expiresTs: number | null
  /** The refresh token of the same trade, or the refresh token itself. */
  readonly refreshHash: string | null
  /** The refresh token that was traded in for it and is still good, because nothing that it was traded for was used yet. */
  readonly tradedHash: string | null
  /** What holds in place of the configured limits; for an access token only. */
  readonly rateLimits: RateLimitOverride | undefined
}

interface BearerRow {
  user_nid: number
  name: UserId
  device_nid: number
  device_id: DeviceId
  kind: number
  admin: number
  locked: number
  suspended: number
  deactivated: number
  expires_ts?: number | null
  refresh_hash: string | null
  traded_hash: string | null
  messages_per_second?: number | null
  burst_count?: number | null
}

/** The `access_tokens` and `refresh_tokens` tables. Tokens are named by their hashes here. */
export class Tokens {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async findAccess(hash: string): Promise<Bearer | undefined> {
    return toBearer(await this.#db.get<BearerRow>(FIND_ACCESS, hash))
  }

  async findRefresh(hash: string): Promise<Bearer | undefined> {
    return toBearer(await this.#db.get<BearerRow>(FIND_REFRESH, hash))
  }

  /** The hashes of all access tokens of a set of devices. */
  async accessOf(deviceNids: Iterable<number>): Promise<string[]> {
    const keys = Array.from(deviceNids, (nid) => [nid] as const)
    return (await this.#db.many<{ hash: string }>(OF_DEVICE, keys)).map(({ hash }) => hash)
  }

  addAccess(
    batch: Batch,
    token: { hash: string; deviceNid: number; expiresTs: number | null; refreshHash: string | null },
  ): void {
    batch.run(INSERT_ACCESS, token.hash, token.deviceNid, token.expiresTs, token.refreshHash)
  }

  addRefresh(batch: Batch, token: { hash: string; deviceNid: number; tradedHash: string | null; createdTs: number }): void {
    batch.run(INSERT_REFRESH, token.hash, token.deviceNid, token.tradedHash, token.createdTs)
  }

  /** Something that `tradedHash` was traded for has been used: it is no longer good. */
  settleTrade(batch: Batch, tradedHash: string): void {
    batch.run(DELETE_TRADED, tradedHash)
    batch.run(SETTLE, tradedHash)
  }

  /** Drops the access tokens of a device that expired before `ts`. */
  removeExpired(batch: Batch, deviceNid: number, ts: number): void {
    batch.run(DELETE_EXPIRED, deviceNid, ts)
  }

  /** Drops what `tradedHash` was traded for before `ts` and nobody has used since. */
  removeAbandoned(batch: Batch, tradedHash: string, ts: number): void {
    batch.run(DELETE_ABANDONED, tradedHash, ts)
  }

  removeOfDevice(batch: Batch, deviceNid: number): void {
    batch.run(DELETE_ACCESS, deviceNid)
    batch.run(DELETE_REFRESH, deviceNid)
  }
}

function toBearer(row: BearerRow | undefined): Bearer | undefined {
  if (!row) return undefined
  return {
    userNid: row.user_nid,
    userId: row.name,
    deviceNid: row.device_nid,
    deviceId: row.device_id,
    isGuest: row.kind === 1,
    isAdmin: row.admin === 1,
    isLocked: row.locked === 1,
    isSuspended: row.suspended === 1,
    isDeactivated: row.deactivated > 0,
    expiresTs: row.expires_ts ?? null,
    refreshHash: row.refresh_hash,
    tradedHash: row.traded_hash,
    rateLimits: overrideOf(row),
  }
}

function overrideOf({ messages_per_second, burst_count }: BearerRow): RateLimitOverride | undefined {
  if (typeof messages_per_second !== 'number' || typeof burst_count !== 'number') return undefined
  return { messagesPerSecond: messages_per_second, burstCount: burst_count }
}
