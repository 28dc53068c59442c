import type { EventId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import { eventIdBytes } from './event-ids.ts'

const ADD = 'INSERT OR IGNORE INTO redactions (target, redaction_nid, applied) VALUES (?, ?, ?)'
const APPLY = 'UPDATE redactions SET applied = 1 WHERE target = ? AND redaction_nid = ?'
const OF_TARGET = 'SELECT redaction_nid FROM redactions WHERE target = ? AND applied = ? ORDER BY redaction_nid'

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
