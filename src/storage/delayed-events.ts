import type { EventId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import type { Batch, Database } from './database.ts'

const COLUMNS = `delay_id, user_nid, app_service_id, room_nid, type, state_key, content, origin_server_ts, sticky_ms, delay_ms, scheduled_ts, send_ts,
  finalised_ts, event_id, error`
const GET = `SELECT ${COLUMNS} FROM delayed_events WHERE delay_id = ?`
const BY_REQUEST = `SELECT ${COLUMNS} FROM delayed_events WHERE device = ? AND transaction_id = ?`
const SCHEDULED_BY = `SELECT ${COLUMNS} FROM delayed_events WHERE user_nid = ? AND finalised_ts IS NULL ORDER BY send_ts`
const LOAD_OF =
  'SELECT count(*) AS scheduled, min(send_ts) AS next FROM delayed_events WHERE user_nid = ? AND finalised_ts IS NULL'
const DUE = `SELECT ${COLUMNS} FROM delayed_events WHERE finalised_ts IS NULL AND send_ts <= ? ORDER BY send_ts LIMIT ?`
const NEXT = 'SELECT min(send_ts) AS ts FROM delayed_events WHERE finalised_ts IS NULL'
const INSERT = `INSERT INTO delayed_events (delay_id, user_nid, app_service_id, room_nid, type, state_key, content, origin_server_ts,
  sticky_ms, delay_ms, scheduled_ts, send_ts, device, transaction_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const RESTART = 'UPDATE delayed_events SET scheduled_ts = ?, send_ts = ? WHERE delay_id = ?'
const FINALISE = 'UPDATE delayed_events SET finalised_ts = ?, event_id = ?, error = ? WHERE delay_id = ?'
const FORGET_OLD = 'DELETE FROM delayed_events WHERE finalised_ts < ?'
const FORGET_MANY = `DELETE FROM delayed_events WHERE user_nid = ? AND finalised_ts <= (SELECT finalised_ts FROM delayed_events
  WHERE user_nid = ? AND finalised_ts IS NOT NULL ORDER BY finalised_ts DESC LIMIT 1 OFFSET ?)`

/** An event that waits for its time. Times are milliseconds since the Unix epoch. */
export interface ScheduledEvent {
  readonly delayId: string
  readonly userNid: number
  /** The application service that scheduled it. */
  readonly appServiceId: string | undefined
  readonly roomNid: number
  readonly type: string
  readonly stateKey: string | undefined
  readonly content: JsonObject
  /** The time that an application service gives to the event. */
  readonly originServerTs: number | undefined
  /** For how long the event is to be sticky once it is sent, in milliseconds. */
  readonly stickyMs: number | undefined
  readonly delayMs: number
  /** When it was scheduled, or last restarted. */
  readonly scheduledTs: number
}

/** What became of it: `eventId` where it was sent, `error` where it could not be, neither where it was cancelled. */
export interface Outcome {
  readonly ts: number
  readonly eventId?: EventId | undefined
  /** The body of a standard error response. */
  readonly error?: JsonObject | undefined
}

export interface DelayedEvent extends ScheduledEvent {
  readonly sendTs: number
  readonly outcome: Outcome | undefined
}

interface DelayedEventRow {
  delay_id: string
  user_nid: number
  app_service_id: string | null
  room_nid: number
  type: string
  state_key: string | null
  content: string
  origin_server_ts: number | null
  sticky_ms: number | null
  delay_ms: number
  scheduled_ts: number
  send_ts: number
  finalised_ts: number | null
  event_id: EventId | null
  error: string | null
}

/** The `delayed_events` table. */
export class DelayedEventsTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(delayId: string): Promise<DelayedEvent | undefined> {
    const row = await this.#db.get<DelayedEventRow>(GET, delayId)
    return row && toDelayedEvent(row)
  }

  /** What a device's request has scheduled. */
  async ofRequest(device: number, transactionId: string): Promise<DelayedEvent | undefined> {
    const row = await this.#db.get<DelayedEventRow>(BY_REQUEST, device, transactionId)
    return row && toDelayedEvent(row)
  }

  /** What a user has scheduled and what is still to be sent, the next one first. */
  async scheduledBy(userNid: number): Promise<DelayedEvent[]> {
    return (await this.#db.all<DelayedEventRow>(SCHEDULED_BY, userNid)).map(toDelayedEvent)
  }

  /** How much a user has scheduled that is still to be sent, and when the next of it is due. */
  async loadOf(userNid: number): Promise<{ scheduled: number; next: number | null }> {
    const row = await this.#db.get<{ scheduled: number; next: number | null }>(LOAD_OF, userNid)
    return row ?? { scheduled: 0, next: null }
  }

  /** What should have been sent by `now`, in the order of its times. */
  async due(now: number, limit: number): Promise<DelayedEvent[]> {
    return (await this.#db.all<DelayedEventRow>(DUE, now, limit)).map(toDelayedEvent)
  }

  /** When the next event is due, or undefined where none is scheduled. */
  async nextSendTs(): Promise<number | undefined> {
    return (await this.#db.get<{ ts: number | null }>(NEXT))?.ts ?? undefined
  }

  add(batch: Batch, event: ScheduledEvent, request: { readonly device: number; readonly id: string } | undefined): void {
    batch.run(
      INSERT,
      event.delayId,
      event.userNid,
      event.appServiceId ?? null,
      event.roomNid,
      event.type,
      event.stateKey ?? null,
      JSON.stringify(event.content),
      event.originServerTs ?? null,
      event.stickyMs ?? null,
      event.delayMs,
      event.scheduledTs,
      event.scheduledTs + event.delayMs,
      request?.device ?? null,
      request?.id ?? null,
    )
  }

  /** Counts the delay anew from `now`. */
  restart(batch: Batch, { delayId, delayMs }: DelayedEvent, now: number): void {
    batch.run(RESTART, now, now + delayMs, delayId)
  }

  /** Writes down what became of an event, and forgets those of long ago: all before `oldest`, and the user's beyond `kept`. */
  finalise(
    batch: Batch,
    { delayId, userNid }: DelayedEvent,
    outcome: Outcome,
    { oldest, kept }: { oldest: number; kept: number },
  ): void {
    batch.run(FINALISE, outcome.ts, outcome.eventId ?? null, outcome.error ? JSON.stringify(outcome.error) : null, delayId)
    batch.run(FORGET_OLD, oldest)
    batch.run(FORGET_MANY, userNid, userNid, kept)
  }
}

function toDelayedEvent(row: DelayedEventRow): DelayedEvent {
  return {
    delayId: row.delay_id,
    userNid: row.user_nid,
    appServiceId: row.app_service_id ?? undefined,
    roomNid: row.room_nid,
    type: row.type,
    stateKey: row.state_key ?? undefined,
    content: parseJson(row.content) as JsonObject,
    originServerTs: row.origin_server_ts ?? undefined,
    stickyMs: row.sticky_ms ?? undefined,
    delayMs: row.delay_ms,
    scheduledTs: row.scheduled_ts,
    sendTs: row.send_ts,
    outcome: row.finalised_ts === null ? undefined : toOutcome(row, row.finalised_ts),
  }
}

function toOutcome({ event_id, error }: DelayedEventRow, ts: number): Outcome {
  return { ts, eventId: event_id ?? undefined, error: error === null ? undefined : (parseJson(error) as JsonObject) }
}
