import { scheduler } from 'node:timers/promises'
import { type JsonObject, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { wordsOf } from '../core/words.ts'
import type { Worker } from '../core/worker.ts'
import type { Database } from '../storage/database.ts'
import type { EventWords } from '../storage/event-words.ts'
import type { Events } from '../storage/events.ts'
import { plainTextTopic } from './preview.ts'

const INTERVAL_MS = 5_000
/** How many nids are looked at, and written, at once. */
const SLICE = 500
/** A write that was begun so long ago is over: no event with a smaller nid comes any more. */
const SETTLED_AFTER_MS = 30_000

export interface SearchIndexParts {
  db: Database
  clock: Clock
  events: Events
  eventWords: EventWords
}

/**
 * Keeps the full-text index up to date, behind the events: nobody who sends waits for it, and who searches waits for what is
 * still missing.
 */
export class SearchIndex implements Worker {
  readonly name = 'search index'
  readonly #parts: SearchIndexParts
  readonly #queue = new KeyedQueue<'index'>()
  /** All events up to this nid have been looked at since the start, or were by the last one. */
  #seen: number | undefined
  /** Those of them that may belong into the index later: each round looks at these again, and at what is new. */
  #awaited: readonly number[] = []
  #mark: { nid: number; ts: number }

  constructor(parts: SearchIndexParts) {
    this.#parts = parts
    this.#mark = { nid: parts.events.lastNid, ts: parts.clock.now() }
  }

  /** Resolves when everything that was visible before is in the index. */
  catchUp(): Promise<void> {
    return this.#queue.run('index', () => this.#index())
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(INTERVAL_MS, signal)
      if (!signal.aborted) await this.catchUp()
    }
  }

  async #index(): Promise<void> {
    const { clock, db, events, eventWords } = this.#parts
    const upTo = events.lastNid
    this.#seen ??= await eventWords.indexedUpTo()
    const again = await eventWords.among(this.#awaited)
    await this.#add(again.nids)
    this.#awaited = again.awaited
    while (this.#seen < upTo) {
      const end = Math.min(this.#seen + SLICE, upTo)
      const { nids, awaited } = await eventWords.inRange(this.#seen, end)
      await this.#add(nids)
      this.#awaited = [...this.#awaited, ...awaited]
      this.#seen = end
      await scheduler.yield()
    }
    if (clock.now() - this.#mark.ts < SETTLED_AFTER_MS) return
    const settled = this.#mark.nid
    this.#mark = { nid: upTo, ts: clock.now() }
    this.#awaited = this.#awaited.filter((nid) => nid > settled)
    if (settled > (await eventWords.indexedUpTo())) await db.write((batch) => eventWords.setIndexed(batch, settled))
  }

  async #add(nids: readonly number[]): Promise<void> {
    const { db, events, eventWords } = this.#parts
    if (nids.length === 0) return
    const stored = await events.byNids(nids)
    await db.write((batch) => {
      for (const { nid, type, content, room } of stored.values()) {
        eventWords.set(batch, nid, room.nid, {
          body: type === 'm.room.message' ? joinedWords(stringAt(content, 'body')) : '',
          name: type === 'm.room.name' ? joinedWords(stringAt(content, 'name')) : '',
          topic: type === 'm.room.topic' ? topicWords(content) : '',
        })
      }
    })
  }
}

/** `topic` as well as the text/plain representation, which mostly are the same. */
function topicWords(content: JsonObject): string {
  const texts = new Set([stringAt(content, 'topic'), plainTextTopic(content)].map((text) => joinedWords(text)))
  return [...texts].join(' ')
}

function joinedWords(text: string | undefined = ''): string {
  return wordsOf(text).join(' ')
}
