import { RecentCache } from '../core/recent-cache.ts'
import { parseJson } from '../core/json-text.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { invalidParam, notFound } from '../core/errors.ts'
import { assertWithin } from '../core/quotas.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Database } from '../storage/database.ts'
import type { Filters } from '../storage/filters.ts'
import { FilterCompiler, keptFilters, type SyncFilter } from './filter.ts'

export interface SyncFiltersParts {
  db: Database
  filters: Filters
}

/** Filters as clients store and name them. https://spec.matrix.org/v1.19/client-server-api/#filtering */
export class SyncFilters {
  readonly #parts: SyncFiltersParts
  readonly #compiler = new FilterCompiler()
  readonly #stored = new RecentCache<string, SyncFilter>(keptFilters(20_000))
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: SyncFiltersParts) {
    this.#parts = parts
  }

  /** Stores a filter; the same one is stored once. Gives its id. @throws {MatrixError} 400 where it is not valid, or one too many */
  define(userNid: number, filter: JsonObject): Promise<string> {
    const text = JSON.stringify(filter)
    this.#compiler.compile(text)
    return this.#queue.run(userNid, async () => {
      const { db, filters } = this.#parts
      const known = await filters.find(userNid, text)
      if (known !== undefined) return String(known)
      // Filters are never deleted, so the last number is how many there are.
      const { last, length } = await filters.usage(userNid)
      const id = last + 1
      assertWithin('filters', id)
      assertWithin('bytes of filters', length + text.length)
      await db.write((batch) => filters.add(batch, userNid, id, text))
      return String(id)
    })
  }

  /** A stored filter as it was defined. @throws {MatrixError} M_NOT_FOUND */
  async get(userNid: number, filterId: string): Promise<JsonObject> {
    const text = await this.#text(userNid, filterId)
    if (text === undefined) throw notFound('There is no such filter')
    return parseJson(text) as JsonObject
  }

  /**
   * The filter that the `filter` of a query names, or says.
   * @throws {MatrixError} 400 where it is not valid, or there is none of that id
   */
  async resolve(userNid: number, filter = '{}'): Promise<SyncFilter> {
    // Whether it is an ID or a JSON object is told by whether the first character is an open brace.
    if (filter.startsWith('{')) return this.#compiler.compile(filter)
    const key = `${userNid} ${filter}`
    const known = this.#stored.get(key)
    if (known) return known
    const text = await this.#text(userNid, filter)
    if (text === undefined) throw invalidParam('There is no such filter')
    const compiled = this.#compiler.compile(text)
    this.#stored.set(key, compiled)
    return compiled
  }

  async #text(userNid: number, filterId: string): Promise<string | undefined> {
    return /^[1-9][0-9]{0,8}$/.test(filterId) ? this.#parts.filters.get(userNid, Number(filterId)) : undefined
  }
}
