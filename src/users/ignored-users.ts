import { type JsonObject, objectAt } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import { type AccountDataTable, GLOBAL } from '../storage/account-data.ts'

const NOBODY: ReadonlySet<string> = new Set()

/** Whom our users ignore. https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
export class IgnoredUsers {
  readonly #accountData: Pick<AccountDataTable, 'get' | 'mayHaveChanged'>
  /** By the entry that lists them: most users' lists are asked for over and over. */
  readonly #ignored = new WeakMap<object, ReadonlySet<string>>()

  constructor({ accountData }: { readonly accountData: Pick<AccountDataTable, 'get' | 'mayHaveChanged'> }) {
    this.#accountData = accountData
  }

  /** False where it is certain that a user ignores the same users as at a position. */
  mayHaveChanged(userNid: number, after: number): boolean {
    return this.#accountData.mayHaveChanged(userNid, after)
  }

  /** The ids of those whom a user ignores: the same object for as long as they are the same. */
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
