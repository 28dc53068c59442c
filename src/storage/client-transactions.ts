import { LRUCache } from 'lru-cache'
import type { Batch, Database } from './database.ts'

const GET = 'SELECT event_nid FROM client_transactions WHERE device = ? AND transaction_id = ?'
const INSERT = 'INSERT INTO client_transactions (device, transaction_id, event_nid) VALUES (?, ?, ?)'
const OF_EVENT = 'SELECT device, transaction_id FROM client_transactions WHERE event_nid = ?'
const PRUNE = 'DELETE FROM client_transactions WHERE event_nid < ?'

/** Who sent an event, and under which transaction id. */
export interface ClientTransaction {
  device: number
  transactionId: string
}

/**
 * The `client_transactions` table: a repeated request gives the event that the first one made.
 * https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
 */
export class ClientTransactions {
  readonly #db: Database
  readonly #recent = new LRUCache<string, number>({ max: 20_000 })
  readonly #ofEvent = new LRUCache<number, ClientTransaction>({ max: 20_000 })

  constructor(db: Database) {
    this.#db = db
  }

  /** The event that a device's transaction made, or undefined for a new one. `transactionId` is unique for an endpoint. */
  async find(device: number, transactionId: string): Promise<number | undefined> {
    const recent = this.#recent.get(keyOf(device, transactionId))
    if (recent !== undefined) return recent
    return (await this.#db.get<{ event_nid: number }>(GET, device, transactionId))?.event_nid
  }

  /** The transaction that made an event, as far as it is kept. */
  async ofEvent(eventNid: number): Promise<ClientTransaction | undefined> {
    const recent = this.#ofEvent.get(eventNid)
    if (recent) return recent
    const row = await this.#db.get<{ device: number; transaction_id: string }>(OF_EVENT, eventNid)
    return row ? { device: row.device, transactionId: row.transaction_id } : undefined
  }

  /** Counts from now on, before it is durable: the request may be repeated while its event is on the way to the disk. */
  add(batch: Batch, device: number, transactionId: string, eventNid: number): void {
    const key = keyOf(device, transactionId)
    batch.run(INSERT, device, transactionId, eventNid)
    this.#recent.set(key, eventNid)
    this.#ofEvent.set(eventNid, { device, transactionId })
    batch.onSettled((committed) => {
      if (!committed) this.#recent.delete(key)
    })
  }

  /** Drops what belongs to events before `eventNid`. */
  prune(batch: Batch, eventNid: number): void {
    batch.run(PRUNE, eventNid)
  }
}

const keyOf = (device: number, transactionId: string): string => `${device} ${transactionId}`
