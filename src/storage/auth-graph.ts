/**
 * Which state events authorise which, by their nids and in both directions: back from what an event's body cites, forward
 * from an index of citations. An event is kept only after its auth events, so the cited nid is always the lesser one.
 */
import { RecentCache } from '../core/recent-cache.ts'
import type { Batch, Database } from './database.ts'
import { authReferences } from './rebuilt-events.ts'

const ADD = 'INSERT INTO auth_citations (cited, citing, kind_nid) VALUES (?, ?, ?)'
const CITING = `SELECT citing, kind_nid AS kind, EXISTS (SELECT 1 FROM auth_citations AS further WHERE further.cited = page.citing) AS isCited
  FROM auth_citations AS page WHERE cited = ? AND citing < ? ORDER BY citing DESC LIMIT ?`
/** The latest few tell as a rule what there is to know; where they do not, there may be many. */
const FIRST_PAGE = 8
const NEXT_PAGE = 256
const BODY = 'SELECT body FROM events WHERE event_nid = ?'
const NID_BY_ID = 'SELECT event_nid FROM events WHERE event_id = ?'

const CACHED_LISTS = 50_000

/** A state event that cites another one. */
export interface Citation {
  readonly citing: number
  /** The citing event's type and state key, as the nid of their name. */
  readonly kind: number
}

/** A citation, and whether there are any of the event that cites. */
export interface FurtherCitation extends Citation {
  readonly isCited: boolean
}

export interface CitationPage {
  readonly citations: readonly FurtherCitation[]
  /** The `end` with which the list goes on; undefined where this was the last of it. */
  readonly next: number | undefined
}

interface CitationRow extends Citation {
  readonly isCited: 0 | 1
}

/** The `auth_citations` table, and the auth events of events. */
export class AuthGraph {
  readonly #db: Database
  readonly #authEvents = new RecentCache<number, readonly number[]>(CACHED_LISTS)
  /** Those of batches that are not durable yet: what builds on such an event may have to be resolved before. */
  readonly #pendingAuthEvents = new Map<number, readonly number[]>()
  readonly #pendingCitations = new Map<number, Citation[]>()

  constructor(db: Database) {
    this.#db = db
  }

  /** The auth events of an event, those left out that are not here. */
  async authEvents(nid: number): Promise<readonly number[]> {
    return this.#pendingAuthEvents.get(nid) ?? this.#authEvents.get(nid) ?? this.#load(nid)
  }

  /** The latest of the state events before `end` that cite an event, the latest first. */
  async citations(nid: number, end?: number): Promise<CitationPage> {
    const limit = end === undefined ? FIRST_PAGE : NEXT_PAGE
    const rows = await this.#db.all<CitationRow>(CITING, nid, end ?? Number.MAX_SAFE_INTEGER, limit)
    const stored = rows.map(({ citing, kind, isCited }) => this.#further({ citing, kind }, isCited === 1))
    const next = rows.length < limit ? undefined : rows.at(-1)?.citing
    const pending = end === undefined ? this.#pendingCitations.get(nid)?.toReversed() : undefined
    return { citations: pending ? [...pending.map((citation) => this.#further(citation, false)), ...stored] : stored, next }
  }

  /** Queues what a new state event cites. */
  add(batch: Batch, citation: Citation, authEvents: readonly number[]): void {
    const { citing, kind } = citation
    this.#pendingAuthEvents.set(citing, authEvents)
    for (const cited of authEvents) {
      batch.run(ADD, cited, citing, kind)
      const others = this.#pendingCitations.get(cited)
      if (others) others.push(citation)
      else this.#pendingCitations.set(cited, [citation])
    }
    batch.onSettled((committed) => {
      this.#pendingAuthEvents.delete(citing)
      for (const cited of authEvents) this.#forget(cited, citation)
      if (committed) this.#authEvents.set(citing, authEvents)
    })
  }

  #further(citation: Citation, isCited: boolean): FurtherCitation {
    return { ...citation, isCited: isCited || this.#pendingCitations.has(citation.citing) }
  }

  #forget(cited: number, citation: Citation): void {
    const left = this.#pendingCitations.get(cited)?.filter((other) => other !== citation) ?? []
    if (left.length === 0) this.#pendingCitations.delete(cited)
    else this.#pendingCitations.set(cited, left)
  }

  async #load(nid: number): Promise<readonly number[]> {
    const row = await this.#db.get<{ body: Uint8Array }>(BODY, nid)
    const nids: number[] = []
    for (const reference of row ? authReferences(row.body) : []) {
      const cited = typeof reference === 'number' ? reference : await this.#nidOf(reference)
      if (cited !== undefined) nids.push(cited)
    }
    this.#authEvents.set(nid, nids)
    return nids
  }

  async #nidOf(eventId: Uint8Array): Promise<number | undefined> {
    return (await this.#db.get<{ event_nid: number }>(NID_BY_ID, eventId))?.event_nid
  }
}
