import type { UserId } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import { blockingRules, filteringRules, type InviteRule, type InviteRules } from '../protocol/invite-rules.ts'
import { type AccountDataTable, GLOBAL } from '../storage/account-data.ts'

/** Where users say whose invites they want, by the type of account data: the first that does not allow an invite decides. */
const SOURCES: readonly (readonly [type: string, read: (content: Json) => InviteRules])[] = [
  ['m.invite_permission_config', blockingRules],
  ['org.matrix.msc4155.invite_permission_config', filteringRules],
]

/** Whose invites our users want. */
export class InvitePermissions {
  readonly #accountData: Pick<AccountDataTable, 'get'>
  /** By the entry that they were read from. */
  readonly #rules = new WeakMap<object, InviteRules>()

  constructor({ accountData }: { readonly accountData: Pick<AccountDataTable, 'get'> }) {
    this.#accountData = accountData
  }

  /** What becomes of an invite of one of our users. Ignored users are another matter. */
  async ruleFor(userNid: number, sender: UserId): Promise<InviteRule> {
    for (const [type, read] of SOURCES) {
      const entry = await this.#accountData.get(userNid, GLOBAL, type)
      if (!entry) continue
      const rules = this.#rules.get(entry) ?? read(parseJson(entry.content) as Json)
      this.#rules.set(entry, rules)
      const rule = rules(sender)
      if (rule !== 'allow') return rule
    }
    return 'allow'
  }

  /**
   * Whether clients are not told of an invite: its sender is ignored, or the user wants no invites of theirs, which holds for
   * those as well that were here before.
   */
  async hides(userNid: number, sender: UserId, ignored: ReadonlySet<string>): Promise<boolean> {
    return ignored.has(sender) || (await this.ruleFor(userNid, sender)) !== 'allow'
  }
}
