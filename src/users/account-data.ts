import { parseJson } from '../core/json-text.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { notFound, serverManaged } from '../core/errors.ts'
import { assertWithin } from '../core/quotas.ts'
import { type AccountDataEntry, type AccountDataTable, GLOBAL } from '../storage/account-data.ts'
import type { Database } from '../storage/database.ts'
import { rulesetJson } from './push-rule-edits.ts'
import type { PushRules, RulesOwner } from './push-rules.ts'

/** What only the server sets: the read markers API and the push rules API change them. */
const PUSH_RULES = 'm.push_rules'
const SERVER_MANAGED: ReadonlySet<string> = new Set(['m.fully_read', PUSH_RULES])

export interface AccountDataParts {
  db: Database
  table: AccountDataTable
  pushRules: PushRules
}

/** Throws M_TOO_LARGE where the user would keep too much with `text` in place of `earlier`. */
export async function assertKeepable(
  table: AccountDataTable,
  userNid: number,
  earlier: AccountDataEntry | undefined,
  text: string,
): Promise<void> {
  const more = Buffer.byteLength(text) - Buffer.byteLength(earlier?.content ?? '')
  if (earlier && more <= 0) return
  const { entries, bytes } = await table.usage(userNid)
  assertWithin('entries of account data', entries + (earlier ? 0 : 1))
  assertWithin('bytes of account data', bytes + more)
}

/** Data that users keep for their own clients. https://spec.matrix.org/v1.19/client-server-api/#client-config */
export class AccountData {
  readonly #parts: AccountDataParts

  constructor(parts: AccountDataParts) {
    this.#parts = parts
  }

  /** @throws {MatrixError} M_NOT_FOUND where the user has set nothing of that type */
  async get(owner: RulesOwner, type: string, roomNid = GLOBAL): Promise<JsonObject> {
    const { table, pushRules } = this.#parts
    if (type === PUSH_RULES && roomNid === GLOBAL) return { global: rulesetJson(await pushRules.ruleset(owner)) }
    const entry = await table.get(owner.userNid, roomNid, type)
    if (!entry) throw notFound('There is no such account data')
    return parseJson(entry.content) as JsonObject
  }

  /** @throws {MatrixError} 405 M_BAD_JSON for a type that the server manages, M_TOO_LARGE where the user keeps too much */
  async set({ userNid }: RulesOwner, type: string, content: JsonObject, roomNid = GLOBAL): Promise<void> {
    if (SERVER_MANAGED.has(type)) throw serverManaged(`${type} cannot be set through this API`)
    const { db, table } = this.#parts
    const text = JSON.stringify(content)
    await assertKeepable(table, userNid, await table.get(userNid, roomNid, type), text)
    await db.write((batch) => table.set(batch, userNid, roomNid, type, text))
  }

  /** Removes what the user has set of that type, if anything. @throws {MatrixError} 405 M_BAD_JSON for a type that the server manages */
  async delete({ userNid }: RulesOwner, type: string, roomNid = GLOBAL): Promise<void> {
    if (SERVER_MANAGED.has(type)) throw serverManaged(`${type} cannot be deleted through this API`)
    const { db, table } = this.#parts
    if (await table.get(userNid, roomNid, type)) await db.write((batch) => table.remove(batch, userNid, roomNid, type))
  }
}
