import type { ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { Batch, Database } from './database.ts'

const ENQUEUE_EVENT = 'INSERT OR IGNORE INTO outbox_events (destination, event_nid) VALUES (?, ?)'
const ENQUEUE_EDU = 'INSERT INTO outbox_edus (destination, position, edu) VALUES (?, ?, ?)'
const EVENTS = 'SELECT event_nid FROM outbox_events WHERE destination = ? ORDER BY event_nid LIMIT ?'
const EDUS = 'SELECT position, edu FROM outbox_edus WHERE destination = ? ORDER BY position LIMIT ?'
const REMOVE_EVENT = 'DELETE FROM outbox_events WHERE destination = ? AND event_nid = ?'
const REMOVE_EDUS = 'DELETE FROM outbox_edus WHERE destination = ? AND position <= ?'
const DESTINATIONS = 'SELECT destination FROM outbox_events UNION SELECT destination FROM outbox_edus'
const COUNT_EVENTS = 'SELECT count(*) AS n FROM outbox_events WHERE destination = ?'
const COUNT_ALL = 'SELECT (SELECT count(*) FROM outbox_events) + (SELECT count(*) FROM outbox_edus) AS n'
const COLLAPSE = `DELETE FROM outbox_events WHERE destination = ? AND event_nid NOT IN (
  SELECT max(o.event_nid) FROM outbox_events o JOIN events e ON e.event_nid = o.event_nid WHERE o.destination = ? GROUP BY e.room_nid)
  AND event_nid NOT IN (SELECT event_nid FROM sticky_events)`

/** The outbox: what waits to be sent to other servers, in the order in which it became durable. */
export class Outbox {
  readonly #db: Database
  #listener: (destinations: readonly ServerName[]) => void = () => {}

  constructor(db: Database) {
    this.#db = db
  }

  /** Queues an event for other servers; after the commit the sender hears of it. */
  enqueue(batch: Batch, destinations: readonly ServerName[], eventNid: number): void {
    for (const destination of destinations) batch.run(ENQUEUE_EVENT, destination, eventNid)
    this.#tellAfter(batch, destinations)
  }

  /** Queues an EDU that must not get lost, such as a to-device message. */
  enqueueEdu(batch: Batch, destinations: readonly ServerName[], edu: JsonObject): void {
    const text = JSON.stringify(edu)
    for (const destination of destinations) batch.run(ENQUEUE_EDU, destination, batch.nextPosition(), text)
    this.#tellAfter(batch, destinations)
  }

  /** Tells the federation sender which destinations have got something new to send. */
  onEnqueued(listener: (destinations: readonly ServerName[]) => void): void {
    this.#listener = listener
  }

  /** Nids of the first events that wait for a destination. */
  async events(destination: ServerName, limit: number): Promise<number[]> {
    const rows = await this.#db.all<{ event_nid: number }>(EVENTS, destination, limit)
    return rows.map((row) => row.event_nid)
  }

  /** The first EDUs that wait for a destination, as JSON text. */
  async edus(destination: ServerName, limit: number): Promise<{ position: number; edu: string }[]> {
    return this.#db.all(EDUS, destination, limit)
  }

  /** Every destination that something waits for. */
  async destinations(): Promise<ServerName[]> {
    const rows = await this.#db.all<{ destination: ServerName }>(DESTINATIONS)
    return rows.map((row) => row.destination)
  }

  async countEvents(destination: ServerName): Promise<number> {
    return (await this.#db.get<{ n: number }>(COUNT_EVENTS, destination))?.n ?? 0
  }

  /** All that waits, for all destinations. */
  async count(): Promise<number> {
    return (await this.#db.get<{ n: number }>(COUNT_ALL))?.n ?? 0
  }

  /** Removes what the destination has got: these events, and the EDUs up to a position. */
  acknowledge(batch: Batch, destination: ServerName, eventNids: readonly number[], eduPosition: number | undefined): void {
    for (const nid of eventNids) batch.run(REMOVE_EVENT, destination, nid)
    if (eduPosition !== undefined) batch.run(REMOVE_EDUS, destination, eduPosition)
  }

  /** Keeps only the latest event of each room, and sticky ones: the destination asks for what is between when it is back. */
  collapse(batch: Batch, destination: ServerName): void {
    batch.run(COLLAPSE, destination, destination)
  }

  #tellAfter(batch: Batch, destinations: readonly ServerName[]): void {
    batch.onSettled((committed) => {
      if (committed) this.#listener(destinations)
    })
  }
}
