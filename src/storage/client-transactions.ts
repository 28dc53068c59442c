import { RecentCache } from '../core/recent-cache.ts'
import type { Batch, Database } from './database.ts'

const OF_DEVICE = 'SELECT transaction_id, event_nid FROM client_transactions WHERE device = ? ORDER BY event_nid'
const INSERT = 'INSERT INTO client_transactions (device, transaction_id, event_nid) VALUES (?, ?, ?)'
const REMOVE = 'DELETE FROM client_transactions WHERE device = ? AND transaction_id = ?'
const REMOVE_DEVICE = 'DELETE FROM client_transactions WHERE device = ?'

/** No client repeats a request after so many others. */
const KEPT_FOR_A_DEVICE = 256
const CACHED_DEVICES = 2_000

/** The last transactions of a device, the oldest first. */
interface DeviceTransactions {
  readonly events: Map<string, number>
  readonly ids: Map<number, string>
}

/**
 * The `client_transactions` table: a repeated request gives the event that the first one made. Only a device's last few hundred
 * are kept, all of them in memory while the device is in use.
 * https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
 */
export class ClientTransactions {
  readonly #db: Database
  readonly #devices = new RecentCache<number, DeviceTransactions>(CACHED_DEVICES)

  constructor(db: Database) {
    this.#db = db
  }

  /** The event that a device's transaction made, or undefined for a new one. `transactionId` is unique for an endpoint. */
  async find(device: number, transactionId: string): Promise<number | undefined> {
    const { events } = this.#devices.get(device) ?? (await this.#load(device))
    return events.get(transactionId)
  }

  /** The transaction of a device that made an event, as far as it is kept. */
  async idOf(device: number, eventNid: number): Promise<string | undefined> {
    const { ids } = this.#devices.get(device) ?? (await this.#load(device))
    return ids.get(eventNid)
  }

  /**
   * Counts from now on, before it is durable: the request may be repeated while its event is on the way to the disk.
   * `find` must have come first.
   */
  add(batch: Batch, device: number, transactionId: string, eventNid: number): void {
    batch.run(INSERT, device, transactionId, eventNid)
    const known = this.#devices.get(device)
    if (!known) return
    known.events.set(transactionId, eventNid)
    known.ids.set(eventNid, transactionId)
    batch.onSettled((committed) => {
      if (!committed) this.#devices.delete(device)
    })
    if (known.events.size > KEPT_FOR_A_DEVICE) this.#removeOldest(batch, device, known)
  }

  /** Forgets all that a device has sent, with the device: these two make it a listener of sessions. */
  deviceRemoved(batch: Batch, { deviceNid }: { readonly deviceNid: number }): void {
    batch.run(REMOVE_DEVICE, deviceNid)
    batch.onSettled(() => this.#devices.delete(deviceNid))
  }

  deviceChanged(): void {}

  #removeOldest(batch: Batch, device: number, known: DeviceTransactions): void {
    const [oldest] = known.events
    if (!oldest) return
    const [transactionId, eventNid] = oldest
    batch.run(REMOVE, device, transactionId)
    known.events.delete(transactionId)
    known.ids.delete(eventNid)
  }

  async #load(device: number): Promise<DeviceTransactions> {
    const rows = await this.#db.all<{ transaction_id: string; event_nid: number }>(OF_DEVICE, device)
    const meanwhile = this.#devices.get(device)
    if (meanwhile) return meanwhile
    const loaded = {
      events: new Map(rows.map((row) => [row.transaction_id, row.event_nid])),
      ids: new Map(rows.map((row) => [row.event_nid, row.transaction_id])),
    }
    this.#devices.set(device, loaded)
    return loaded
  }
}
