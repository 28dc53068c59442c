import { parseJson } from '../core/json-text.ts'
import { type Json, type JsonObject, objectAt } from '../../schemas/json.ts'
import { invalidParam } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { assertWithin } from '../core/quotas.ts'
import type { AccountDataTable } from '../storage/account-data.ts'
import type { Database } from '../storage/database.ts'
import { assertKeepable } from '../users/account-data.ts'

const TAGS = 'm.tag'
const MAX_TAG_BYTES = 255

export interface TagsParts {
  db: Database
  accountData: AccountDataTable
}

/** Tags that users give to rooms. https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
export class Tags {
  readonly #parts: TagsParts
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: TagsParts) {
    this.#parts = parts
  }

  /** What a user has tagged a room with: by tag, how it is ordered. */
  async of(userNid: number, roomNid: number): Promise<JsonObject> {
    const entry = await this.#parts.accountData.get(userNid, roomNid, TAGS)
    return (entry && objectAt(parseJson(entry.content) as JsonObject, 'tags')) ?? {}
  }

  /** @throws {MatrixError} M_INVALID_PARAM for a tag that is too long, M_TOO_LARGE for one too many */
  async set(userNid: number, roomNid: number, tag: string, content: JsonObject): Promise<void> {
    // The name of a tag MUST NOT exceed 255 bytes.
    if (Buffer.byteLength(tag) > MAX_TAG_BYTES) throw invalidParam('A tag is at most 255 bytes long')
    await this.#edit(userNid, roomNid, (tags) => [...tags, [tag, content]])
  }

  async remove(userNid: number, roomNid: number, tag: string): Promise<void> {
    await this.#edit(userNid, roomNid, (tags) => tags.filter(([name]) => name !== tag))
  }

  #edit(userNid: number, roomNid: number, edit: (tags: [string, Json][]) => [string, Json][]): Promise<void> {
    return this.#queue.run(userNid, async () => {
      const { db, accountData } = this.#parts
      const tags = Object.fromEntries(edit(Object.entries(await this.of(userNid, roomNid))))
      assertWithin('tags', Object.keys(tags).length)
      const text = JSON.stringify({ tags })
      await assertKeepable(accountData, userNid, await accountData.get(userNid, roomNid, TAGS), text)
      await db.write((batch) => accountData.set(batch, userNid, roomNid, TAGS, text))
    })
  }
}
