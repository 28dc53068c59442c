import type { ServerName } from '../../schemas/ids.ts'
import type { Batch } from './database.ts'

const ENQUEUE_EVENT = 'INSERT OR IGNORE INTO outbox_events (destination, event_nid) VALUES (?, ?)'

/** The outbox: what waits to be sent to other servers. */
export class Outbox {
  #listener: (destinations: readonly ServerName[]) => void = () => {}

  /** Queues an event for other servers; after the commit the sender hears of it. */
  enqueue(batch: Batch, destinations: readonly ServerName[], eventNid: number): void {
    for (const destination of destinations) batch.run(ENQUEUE_EVENT, destination, eventNid)
    batch.onSettled((committed) => {
      if (committed) this.#listener(destinations)
    })
  }

  /** Tells the federation sender which destinations have got something new to send. */
  onEnqueued(listener: (destinations: readonly ServerName[]) => void): void {
    this.#listener = listener
  }
}
