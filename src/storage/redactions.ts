import type { EventId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import { eventIdBytes } from './event-ids.ts'
import { REDACTED } from './stored-event.ts'

const ADD = 'INSERT OR IGNORE INTO redactions (target, redaction_nid, applied) VALUES (?, ?, ?)'
const APPLY = 'UPDATE redactions SET applied = 1 WHERE target = ? AND redaction_nid = ?'
/** No more of a room's newest events are looked through for those of one stay. */
const MAX_SWEPT = 20_000
const OF_STAY = `SELECT e.event_nid, e.event_id FROM (
    SELECT event_nid FROM timeline WHERE room_nid = ?
      AND position > coalesce((SELECT position FROM timeline WHERE room_nid = ? AND event_nid = ?), ${Number.MIN_SAFE_INTEGER})
      ORDER BY position DESC LIMIT ${MAX_SWEPT}) t
  JOIN events e ON e.event_nid = t.event_nid WHERE e.sender_nid = ? AND e.standing & ${REDACTED} = 0`
const ADD_STAY = `INSERT OR IGNORE INTO redactions (target, redaction_nid, applied) SELECT event_id, ?, 1 FROM (${OF_STAY})`
const MARK_STAY = `UPDATE events SET standing = standing | ${REDACTED} WHERE event_nid IN (SELECT event_nid FROM (${OF_STAY}))`
const OF_TARGET = 'SELECT redaction_nid FROM redactions WHERE target = ? AND applied = ? ORDER BY redaction_nid'

/** What a user has sent to a room since they came into it. */
export interface Stay {
  readonly roomNid: number
  readonly senderNid: number
  /** The user's member event. */
  readonly joinNid: number
}

/** The `redactions` table: which redactions name which events, and whether they have taken effect on them. */
export class RedactionsTable {
  readonly #db: Database
  /** Those that are not committed yet, with whether they take effect: the target may come right behind. */
  readonly #uncommitted = new Map<EventId, Map<number, boolean>>()

  constructor(db: Database) {
    this.#db = db
  }

  /** Records that a redaction names `target`, which need not be here yet, and whether it takes effect on it. */
  add(batch: Batch, target: EventId, redactionNid: number, applied: boolean): void {
    batch.run(ADD, eventIdBytes(target), redactionNid, applied ? 1 : 0)
    this.#awaitCommit(batch, target, redactionNid, applied)
  }

  /** A redaction takes effect now that its target is here. */
  apply(batch: Batch, target: EventId, redactionNid: number): void {
    batch.run(APPLY, eventIdBytes(target), redactionNid)
    this.#awaitCommit(batch, target, redactionNid, true)
  }

  /** Redacts all of a stay, as the member event that ended it wants. */
  redactStay(batch: Batch, { roomNid, senderNid, joinNid }: Stay, redactionNid: number): void {
    const stay = [roomNid, roomNid, joinNid, senderNid]
    batch.run(ADD_STAY, redactionNid, ...stay)
    batch.run(MARK_STAY, ...stay)
  }

  /** The nids of the redactions that have taken effect on an event, or will with the next commits. */
  appliedTo(target: EventId): Promise<number[]> {
    return this.#ofTarget(target, true)
  }

  /** The nids of the redactions that name an event and have not taken effect on it. */
  waitingFor(target: EventId): Promise<number[]> {
    return this.#ofTarget(target, false)
  }

  async #ofTarget(target: EventId, applied: boolean): Promise<number[]> {
    const uncommitted = [...(this.#uncommitted.get(target) ?? [])]
    const rows = await this.#db.all<{ redaction_nid: number }>(OF_TARGET, eventIdBytes(target), applied ? 1 : 0)
    const nids = new Set(rows.map((row) => row.redaction_nid))
    for (const [nid, isApplied] of uncommitted) {
      if (isApplied === applied) nids.add(nid)
      else nids.delete(nid)
    }
    return [...nids]
  }

  #awaitCommit(batch: Batch, target: EventId, redactionNid: number, applied: boolean): void {
    const uncommitted = this.#uncommitted.get(target) ?? new Map()
    this.#uncommitted.set(target, uncommitted.set(redactionNid, applied))
    batch.onSettled(() => {
      uncommitted.delete(redactionNid)
      if (uncommitted.size === 0) this.#uncommitted.delete(target)
    })
  }
}
