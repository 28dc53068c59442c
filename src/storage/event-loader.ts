/** Events out of their rows. */
import type { Event } from '../protocol/event.ts'
import type { Database } from './database.ts'
import { eventIdBytes, eventIdOfBytes } from './event-ids.ts'
import { type BodyRest, decodeHead, decodeRest, type EventReference } from './event-layout.ts'
import type { Names } from './names.ts'
import { rebuiltEvent, referencesOf } from './rebuilt-events.ts'
import type { Rooms } from './rooms.ts'
import { EVENT_COLUMNS, type EventRow, StoredEvent } from './stored-event.ts'

const BY_NID = `SELECT ${EVENT_COLUMNS} FROM events WHERE event_nid = ?`
const ID_BY_NID = 'SELECT event_nid, event_id FROM events WHERE event_nid = ?'
const BODY = 'SELECT event_nid, body FROM events WHERE event_nid = ?'

/** Reads events, and remembers none. */
export class EventLoader {
  readonly #db: Database
  readonly #names: Names
  readonly #rooms: Rooms

  constructor(db: Database, names: Names, rooms: Rooms) {
    this.#db = db
    this.#names = names
    this.#rooms = rooms
  }

  /** The events of a list of nids; those that we do not have are left out. */
  async stored(nids: readonly number[]): Promise<StoredEvent[]> {
    const rows = await this.#db.many<EventRow & { body: Uint8Array }>(BY_NID, keys(nids))
    const names = await this.#names.namesOf(new Set(rows.flatMap((row) => [row.kind_nid, row.sender_nid])))
    const events: StoredEvent[] = []
    for (const row of rows) {
      const room = await this.#rooms.get(row.room_nid)
      const [kind = '', sender = ''] = [names.get(row.kind_nid), names.get(row.sender_nid)]
      events.push(new StoredEvent(row, decodeHead(row.body), room, { kind, sender }))
    }
    return events
  }

  /**
   * Events with their PDUs, by nid.
   * @param inMemory gives those events, out of the ones that they cite, that need not be read
   */
  async whole(events: readonly StoredEvent[], inMemory: (nid: number) => StoredEvent | undefined): Promise<Map<number, Event>> {
    const byNid = new Map(events.map((event) => [event.nid, event]))
    const rests = new Map<StoredEvent, BodyRest>()
    for (const { event_nid, body } of await this.#db.many<{ event_nid: number; body: Uint8Array }>(BODY, keys(byNid.keys()))) {
      const event = byNid.get(event_nid)
      if (event) rests.set(event, decodeRest(body))
    }
    const references = referencesOf(rests.values())
    const ids = await this.#idsOf(references.events, inMemory)
    const names = await this.#names.namesOf(references.names)
    const whole = new Map<number, Event>()
    for (const [event, rest] of rests) {
      const idOf = (reference: EventReference) =>
        eventIdOfBytes(typeof reference === 'number' ? (ids.get(reference) ?? new Uint8Array()) : reference, event.room.rules)
      whole.set(event.nid, rebuiltEvent(event, rest, idOf, names))
    }
    return whole
  }

  async #idsOf(nids: Iterable<number>, inMemory: (nid: number) => StoredEvent | undefined): Promise<Map<number, Uint8Array>> {
    const ids = new Map<number, Uint8Array>()
    const missing: number[] = []
    for (const nid of nids) {
      const event = inMemory(nid)
      if (event) ids.set(nid, eventIdBytes(event.eventId))
      else missing.push(nid)
    }
    for (const row of await this.#db.many<{ event_nid: number; event_id: Uint8Array }>(ID_BY_NID, keys(missing)))
      ids.set(row.event_nid, row.event_id)
    return ids
  }
}

function* keys(nids: Iterable<number>): Generator<[number]> {
  for (const nid of nids) yield [nid]
}
