import type { Batch, Database } from './database.ts'
import { kindOf } from './kind.ts'
import { Standing } from './stored-event.ts'

const KINDS = [kindOf('m.room.message', undefined), kindOf('m.room.name', ''), kindOf('m.room.topic', '')]
const INDEXED = "SELECT value AS n FROM counters WHERE name = 'indexed_event'"
const SET_INDEXED = "UPDATE counters SET value = ? WHERE name = 'indexed_event'"
const LOOKED_AT = `e.event_nid AS nid, e.standing, n.name IN (?, ?, ?) AS hasText FROM events e JOIN names n ON n.nid = e.kind_nid`
const RANGE = `SELECT ${LOOKED_AT} WHERE e.event_nid > ? AND e.event_nid <= ?`
const ONE = `SELECT ${LOOKED_AT} WHERE e.event_nid = ?`
const REMOVE = 'DELETE FROM event_words WHERE rowid = ?'
const INSERT = 'INSERT INTO event_words (rowid, room, body, name, topic) VALUES (?, ?, ?, ?, ?)'
const RECENT = 'SELECT rowid AS nid, rank FROM event_words WHERE event_words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?'
const RANKED = 'SELECT rowid AS nid, rank FROM event_words WHERE event_words MATCH ? ORDER BY rank, rowid DESC LIMIT ? OFFSET ?'

/** The texts of an event by the keys that clients search, as words with spaces between them. */
export interface EventTexts {
  readonly body: string
  readonly name: string
  readonly topic: string
}

export interface WordMatch {
  readonly nid: number
  /** The better the event fits, the smaller. */
  readonly rank: number
}

/** What came of looking at events. */
export interface Candidates {
  /** They are in rooms, and have text. */
  readonly nids: readonly number[]
  /** They may be so later: they are not there yet, or have no place in their room yet. */
  readonly awaited: readonly number[]
}

interface CandidateRow {
  nid: number
  standing: number
  hasText: number
}

/** The `event_words` full-text index of what is said in rooms. */
export class EventWords {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** All events up to this nid are in the index. */
  async indexedUpTo(): Promise<number> {
    return (await this.#db.get<{ n: number }>(INDEXED))?.n ?? 0
  }

  setIndexed(batch: Batch, nid: number): void {
    batch.run(SET_INDEXED, nid)
  }

  /** Which of the events after one nid and up to another belong into the index. */
  async inRange(after: number, upTo: number): Promise<Candidates> {
    const rows = await this.#db.all<CandidateRow>(RANGE, ...KINDS, after, upTo)
    return candidates(
      rows,
      Array.from({ length: upTo - after }, (_, index) => after + 1 + index),
    )
  }

  /** Which of these events belong into the index. */
  async among(nids: readonly number[]): Promise<Candidates> {
    const rows = await this.#db.many<CandidateRow>(
      ONE,
      nids.map((nid) => [...KINDS, nid]),
    )
    return candidates(rows, nids)
  }

  set(batch: Batch, nid: number, roomNid: number, { body, name, topic }: EventTexts): void {
    batch.run(REMOVE, nid)
    batch.run(INSERT, nid, roomWord(roomNid), body, name, topic)
  }

  /** Matches of an FTS5 query in some rooms, the newest first, before a nid. */
  async recent(query: string, roomNids: readonly number[], before: number, limit: number): Promise<WordMatch[]> {
    return this.#db.all<{ nid: number; rank: number }>(RECENT, inRooms(query, roomNids), before, limit)
  }

  /** As `recent`, the best first, after so many of them. */
  async ranked(query: string, roomNids: readonly number[], offset: number, limit: number): Promise<WordMatch[]> {
    return this.#db.all<{ nid: number; rank: number }>(RANKED, inRooms(query, roomNids), limit, offset)
  }
}

const roomWord = (roomNid: number): string => `r${roomNid}`

function inRooms(query: string, roomNids: readonly number[]): string {
  return `(room : (${roomNids.map((nid) => `"${roomWord(nid)}"`).join(' OR ')})) AND (${query})`
}

function candidates(rows: readonly CandidateRow[], lookedAt: readonly number[]): Candidates {
  const awaited = new Set(lookedAt)
  for (const { nid, standing, hasText } of rows) if (hasText === 0 || (standing & 7) === Standing.accepted) awaited.delete(nid)
  const nids = rows.filter(({ standing, hasText }) => hasText === 1 && standing === Standing.accepted).map(({ nid }) => nid)
  return { nids, awaited: [...awaited] }
}
