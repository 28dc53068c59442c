import type { Batch, Database } from './database.ts'
import { RecentCache } from '../core/recent-cache.ts'
import { StreamIndex } from './stream-index.ts'

const ADD = 'INSERT INTO to_device_messages (device_nid, position, message) VALUES (?, ?, ?)'
const PENDING = `SELECT position, message FROM to_device_messages WHERE device_nid = ? AND position > ? AND position <= ?
  ORDER BY position LIMIT ?`
const REMOVE = 'DELETE FROM to_device_messages WHERE device_nid = ? AND position <= ?'
const OLDEST = 'SELECT position FROM to_device_messages WHERE device_nid = ? ORDER BY position LIMIT 1'
const ADD_CUT = `INSERT INTO to_device_cuts (device_nid, token, delivered) VALUES (?, ?, ?)
  ON CONFLICT (device_nid, token) DO UPDATE SET delivered = min(to_device_cuts.delivered, excluded.delivered)`
const CUT = 'SELECT delivered FROM to_device_cuts WHERE device_nid = ? AND token = ?'
const REMOVE_CUTS = 'DELETE FROM to_device_cuts WHERE device_nid = ? AND token < ?'
const REMOVE_DEVICE = ['DELETE FROM to_device_messages WHERE device_nid = ?', 'DELETE FROM to_device_cuts WHERE device_nid = ?']
const FIND = 'SELECT ts FROM to_device_transactions WHERE sender = ? AND transaction_id = ?'
const REMEMBER = 'INSERT OR IGNORE INTO to_device_transactions (sender, transaction_id, ts) VALUES (?, ?, ?)'
const PRUNE = 'DELETE FROM to_device_transactions WHERE ts < ?'

export interface WaitingMessage {
  readonly position: number
  /** JSON text: `type`, `sender` and `content`. */
  readonly message: string
}

/** Messages that wait for local devices, and the requests that brought them. */
export class ToDeviceTable {
  readonly #db: Database
  readonly #arrivals: StreamIndex<number>
  /** Devices of which it is known that nothing waits for them: most devices, most of the time. */
  readonly #empty = new RecentCache<number, true>(50_000)

  constructor(db: Database) {
    this.#db = db
    this.#arrivals = new StreamIndex(db.position)
  }

  /** @param message JSON text */
  add(batch: Batch, { userNid, deviceNid }: { userNid: number; deviceNid: number }, message: string): void {
    const position = batch.nextPosition()
    batch.run(ADD, deviceNid, position, message)
    batch.touchUser(userNid)
    batch.onSettled((committed) => {
      if (!committed) return
      this.#empty.delete(deviceNid)
      this.#arrivals.set(deviceNid, position)
    })
  }

  /** The first messages with `after < position <= upTo`, in order. */
  async waiting(deviceNid: number, after: number, upTo: number, limit: number): Promise<WaitingMessage[]> {
    if (after > 0 && !this.#arrivals.mayHaveChanged(deviceNid, after)) return []
    return this.#db.all<WaitingMessage & Record<string, string | number>>(PENDING, deviceNid, after, upTo, limit)
  }

  /** Whether a message waits that was there at `position` already. */
  async waitsSince(deviceNid: number, position: number): Promise<boolean> {
    if (this.isEmpty(deviceNid)) return false
    const oldest = await this.#db.get<{ position: number }>(OLDEST, deviceNid)
    if (!oldest) this.#empty.set(deviceNid, true)
    return oldest !== undefined && oldest.position <= position
  }

  /** True where it is certain that nothing waits. */
  isEmpty(deviceNid: number): boolean {
    return this.#empty.has(deviceNid)
  }

  /** Drops the messages up to a position. */
  remove(batch: Batch, deviceNid: number, upTo: number): void {
    batch.run(REMOVE, deviceNid, upTo)
  }

  /** How far the token `token` acknowledges, where that is less than the token itself. */
  async cut(deviceNid: number, token: number): Promise<number | undefined> {
    return (await this.#db.get<{ delivered: number }>(CUT, deviceNid, token))?.delivered
  }

  addCut(batch: Batch, deviceNid: number, token: number, delivered: number): void {
    batch.run(ADD_CUT, deviceNid, token, delivered)
  }

  removeCutsBefore(batch: Batch, deviceNid: number, token: number): void {
    batch.run(REMOVE_CUTS, deviceNid, token)
  }

  removeDevice(batch: Batch, deviceNid: number): void {
    for (const sql of REMOVE_DEVICE) batch.run(sql, deviceNid)
  }

  /** Whether a sender (a device's nid, or a server) has been heard with this transaction before. */
  async isKnown(sender: string, transactionId: string): Promise<boolean> {
    return (await this.#db.get(FIND, sender, transactionId)) !== undefined
  }

  /** @param ts in milliseconds since the Unix epoch */
  remember(batch: Batch, sender: string, transactionId: string, ts: number): void {
    batch.run(REMEMBER, sender, transactionId, ts)
  }

  /** Forgets the transactions from before a time. */
  prune(batch: Batch, ts: number): void {
    batch.run(PRUNE, ts)
  }
}
