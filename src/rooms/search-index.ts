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
  /** Indexed already, but after a nid whose event may still come. */
  readonly #ahead = new Set<number>()
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
    const start = await eventWords.indexedUpTo()
    for (let after = start; after < upTo; after += SLICE) {
      await this.#indexSlice(after, Math.min(after + SLICE, upTo))
      await scheduler.yield()
    }
    if (clock.now() - this.#mark.ts < SETTLED_AFTER_MS) return
    const settled = this.#mark.nid
    this.#mark = { nid: upTo, ts: clock.now() }
    if (settled <= start) return
    await db.write((batch) => eventWords.setIndexed(batch, settled))
    for (const nid of this.#ahead) if (nid <= settled) this.#ahead.delete(nid)
  }

  async #indexSlice(after: number, upTo: number): Promise<void> {
    const { db, events, eventWords } = this.#parts
    const nids = (await eventWords.candidates(after, upTo)).filter((nid) => !this.#ahead.has(nid))
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
    for (const nid of nids) this.#ahead.add(nid)
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
