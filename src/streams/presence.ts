import type { UserId } from '../../schemas/ids.ts'
import type { Batch, Database } from '../storage/database.ts'

export type PresenceState = 'online' | 'offline' | 'unavailable'

/** What is known of a user's presence. */
export interface PresenceRecord {
  readonly userNid: number
  readonly userId: UserId
  readonly presence: PresenceState
  readonly statusMsg: string | undefined
  /** Milliseconds since the Unix epoch; undefined for one who was never seen. */
  readonly lastActiveTs: number | undefined
}

interface Change {
  readonly userNid: number
  readonly position: number
}

const MIN_LOG = 1_000

/** Who is online; kept in memory only. Each change draws a position, but writes nothing. */
export class PresenceUsers {
  readonly #db: Database
  readonly #records = new Map<number, PresenceRecord>()
  /** Changes in order; the last one of each user counts. */
  #log: Change[] = []
  /** Every change after this position is in the log. */
  #floor: number

  constructor(db: Database) {
    this.#db = db
    this.#floor = db.position
  }

  get(userNid: number): PresenceRecord | undefined {
    return this.#records.get(userNid)
  }

  all(): IterableIterator<PresenceRecord> {
    return this.#records.values()
  }

  /** The users with a change after `after` and up to `upTo`, or undefined where not all of those changes are remembered. */
  changed(after: number, upTo: number): Set<number> | undefined {
    if (after < this.#floor) return undefined
    const users = new Set<number>()
    for (let i = this.#log.length - 1; i >= 0; i--) {
      const change = this.#log[i]
      if (!change || change.position <= after) break
      if (change.position <= upTo) users.add(change.userNid)
    }
    return users
  }

  /** Changes nothing that readers have to be told of. */
  refresh(record: PresenceRecord): void {
    this.#records.set(record.userNid, record)
  }

  /** Resolves when readers can see the change. `readers` are woken. */
  async change(record: PresenceRecord, readers: Iterable<number>): Promise<void> {
    await this.#db.write((batch) => {
      for (const reader of readers) batch.touchUser(reader)
      batch.touchUser(record.userNid)
      this.note(batch, record.userNid, batch.nextPosition())
      batch.onSettled(() => this.#records.set(record.userNid, record))
    })
  }

  /** Shows a user's presence again to all who may see it: there are new ones among them. */
  note(batch: Batch, userNid: number, position: number): void {
    batch.onSettled((committed) => {
      if (committed) this.#append({ userNid, position })
    })
  }

  /** Forgets a user who has been away for long. */
  forget(userNid: number): void {
    this.#records.delete(userNid)
  }

  #append(change: Change): void {
    this.#log.push(change)
    if (this.#log.length < MIN_LOG + 4 * this.#records.size) return
    const dropped = this.#log.splice(0, Math.floor(this.#log.length / 2))
    this.#floor = dropped.at(-1)?.position ?? this.#floor
  }
}
