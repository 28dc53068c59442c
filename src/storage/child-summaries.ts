import { RecentCache } from '../core/recent-cache.ts'
import type { EventId } from '../../schemas/ids.ts'
import type { Batch, Database } from './database.ts'
import { eventIdBytes } from './event-ids.ts'
import { REDACTED } from './stored-event.ts'

const SINCE = `SELECT r.position, r.event_nid, r.rel_type, e.sender_nid, e.room_nid
  FROM relations r JOIN events e ON e.event_nid = r.event_nid
  WHERE r.target = ? AND r.position > ? AND r.rel_type IN ('m.thread', 'm.replace', 'm.reference') AND e.standing & ${REDACTED} = 0
  ORDER BY r.position`
const MAX_SUMMARIES = 50_000
/** Of edits and references, and of the ends of threads, no more are kept. */
const MAX_KEPT = 100

/** What relates to an event, in short, in the order of the timeline. Redacted children do not count. */
export interface ChildSummary {
  readonly edits: readonly number[]
  readonly references: readonly number[]
  readonly thread: ThreadSummary | undefined
}

export interface ThreadSummary {
  readonly count: number
  /** How many of the events each user has sent. */
  readonly bySender: ReadonlyMap<number, number>
  /** Nids of the last events, the newest last. */
  readonly latest: readonly number[]
}

interface ChildRow {
  position: number
  event_nid: number
  rel_type: string
  sender_nid: number
  room_nid: number
}

interface Known {
  readonly summary: ChildSummary
  /** Children up to this position are in it. */
  readonly upTo: number
  isCurrent: boolean
}

const NOTHING: ChildSummary = { edits: [], references: [], thread: undefined }

/** Summaries of events' children: kept in memory, since most events have none and all are asked for often. */
export class ChildSummaries {
  readonly #db: Database
  readonly #known = new RecentCache<EventId, Known>(MAX_SUMMARIES)

  constructor(db: Database) {
    this.#db = db
  }

  /** Whether it is known, without looking, that nothing relates to an event. */
  isAlone(target: EventId): boolean {
    const known = this.#known.get(target)
    return known?.isCurrent === true && known.summary === NOTHING
  }

  async of(target: EventId, roomNid: number): Promise<ChildSummary> {
    const known = this.#known.get(target)
    if (known?.isCurrent) return known.summary
    const after = known?.upTo ?? Number.MIN_SAFE_INTEGER
    const rows = await this.#db.all<ChildRow & Record<string, number | string>>(SINCE, eventIdBytes(target), after)
    const summary = rows.filter((row) => row.room_nid === roomNid).reduce(withChild, known?.summary ?? NOTHING)
    this.#known.set(target, { summary, upTo: rows.at(-1)?.position ?? after, isCurrent: true })
    return summary
  }

  /** An event is made here, and nothing can relate to it yet. */
  begin(target: EventId): void {
    this.#known.set(target, { summary: NOTHING, upTo: Number.MIN_SAFE_INTEGER, isCurrent: true })
  }

  /** A child is added at a position. */
  grow(batch: Batch, target: EventId, position: number): void {
    batch.onSettled(() => {
      const known = this.#known.get(target)
      if (!known) return
      if (position > known.upTo) known.isCurrent = false
      else this.#known.delete(target)
    })
  }

  /** All that a user has sent to a room may have been redacted. */
  shrinkBy(batch: Batch, senderNid: number): void {
    const mayHold = ({ summary: { edits, references, thread } }: Known) =>
      edits.length > 0 || references.length > 0 || thread?.bySender.has(senderNid) === true
    batch.onSettled(() => this.#known.deleteWhere(mayHold))
  }

  /** A child was redacted. */
  shrink(batch: Batch, target: EventId): void {
    batch.onSettled(() => this.#known.delete(target))
  }
}

function withChild(summary: ChildSummary, { event_nid: nid, rel_type: type, sender_nid: sender }: ChildRow): ChildSummary {
  if (type === 'm.replace') return { ...summary, edits: [...summary.edits, nid].slice(-MAX_KEPT) }
  if (type === 'm.reference') return { ...summary, references: [...summary.references, nid].slice(-MAX_KEPT) }
  const { count = 0, latest = [], bySender = new Map<number, number>() } = summary.thread ?? {}
  const senders = new Map(bySender).set(sender, (bySender.get(sender) ?? 0) + 1)
  return { ...summary, thread: { count: count + 1, bySender: senders, latest: [...latest, nid].slice(-MAX_KEPT) } }
}
