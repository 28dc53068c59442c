import { type JsonObject, objectAt } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import { type AccountDataTable, GLOBAL } from '../storage/account-data.ts'

const NOBODY: ReadonlySet<string> = new Set()

/** Whom our users ignore. https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
export class IgnoredUsers {
  readonly #accountData: Pick<AccountDataTable, 'get'>
  /** By the entry that lists them: most users' lists are asked for over and over. */
  readonly #ignored = new WeakMap<object, ReadonlySet<string>>()

  constructor({ accountData }: { readonly accountData: Pick<AccountDataTable, 'get'> }) {
    this.#accountData = accountData
  }

  /** The ids of those whom a user ignores. */
  async of(userNid: number): Promise<ReadonlySet<string>> {
    const entry = await this.#accountData.get(userNid, GLOBAL, 'm.ignored_user_list')
    if (!entry) return NOBODY
    let ignored = this.#ignored.get(entry)
    if (!ignored) {
      const users = objectAt(parseJson(entry.content) as JsonObject, 'ignored_users')
      ignored = new Set(Object.keys(users ?? {}))
      this.#ignored.set(entry, ignored)
    }
    return ignored
  }
}
