import { RecentCache } from '../core/recent-cache.ts'
import { parseJson } from '../core/json-text.ts'
import { assertWithin } from '../core/quotas.ts'
import type { UserId } from '../../schemas/ids.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import {
  type CompiledPushRules,
  compilePushRules,
  type PushAction,
  type PushRule,
  type PushRuleKind,
  type PushRuleset,
} from '../protocol/push-rules.ts'
import type { Database } from '../storage/database.ts'
import type { PushRulesTable } from '../storage/push-rules.ts'
import {
  findRule,
  type NewPushRule,
  noEdits,
  type PushRuleEdits,
  type RulePlace,
  rulesetOf,
  withChange,
  withEnabled,
  withoutRule,
  withRule,
} from './push-rule-edits.ts'

export interface PushRulesParts {
  db: Database
  table: PushRulesTable
}

/** Whose rules they are. */
export interface RulesOwner {
  readonly userNid: number
  readonly userId: UserId
}

interface Loaded {
  readonly edits: PushRuleEdits
  /** Of the edits as JSON. */
  readonly length: number
  /** When they were last edited; 0 for never. */
  readonly position: number
  readonly ruleset: PushRuleset
  compiled?: CompiledPushRules
}

/** Each user's push rules. https://spec.matrix.org/v1.19/client-server-api/#push-rules */
export class PushRules {
  readonly #parts: PushRulesParts
  readonly #loaded = new RecentCache<number, Loaded>({ max: 5_000, maxWeight: 8_000_000, weightOf: ({ length }) => length })
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: PushRulesParts) {
    this.#parts = parts
  }

  /** All rules of a user, defaults included, in the order in which they are tried. */
  async ruleset(owner: RulesOwner): Promise<PushRuleset> {
    return (await this.#load(owner)).ruleset
  }

  /** As the matcher wants them. */
  async compiled(owner: RulesOwner): Promise<CompiledPushRules> {
    const loaded = this.#loaded.get(owner.userNid) ?? (await this.#load(owner))
    loaded.compiled ??= compilePushRules(loaded.ruleset, owner.userId, loaded.edits === noEdits)
    return loaded.compiled
  }

  /** Whether the user has edited the rules with `after < position <= upTo`. */
  async changedWithin(owner: RulesOwner, after: number, upTo: number): Promise<boolean> {
    if (this.#parts.table.changedAt(owner.userNid) <= after) return false
    const { position } = await this.#load(owner)
    return position > after && position <= upTo
  }

  /** @throws {MatrixError} M_NOT_FOUND */
  async rule(owner: RulesOwner, kind: PushRuleKind, ruleId: string): Promise<PushRule> {
    return findRule(await this.ruleset(owner), kind, ruleId)
  }

  /** Adds a rule of the user's own, or replaces it. See `withRule`. */
  async put(owner: RulesOwner, kind: PushRuleKind, ruleId: string, rule: NewPushRule, place: RulePlace): Promise<void> {
    await this.#edit(owner, (edits) => withRule(edits, kind, ruleId, rule, place))
  }

  /** @throws {MatrixError} M_NOT_FOUND */
  async remove(owner: RulesOwner, kind: PushRuleKind, ruleId: string): Promise<void> {
    await this.#edit(owner, (edits) => withoutRule(edits, kind, ruleId))
  }

  /** @throws {MatrixError} M_NOT_FOUND */
  async setEnabled(owner: RulesOwner, kind: PushRuleKind, ruleId: string, enabled: boolean): Promise<void> {
    await this.#change(owner, kind, ruleId, { enabled })
  }

  /** @throws {MatrixError} M_NOT_FOUND, M_INVALID_PARAM */
  async setActions(owner: RulesOwner, kind: PushRuleKind, ruleId: string, actions: PushAction[]): Promise<void> {
    await this.#change(owner, kind, ruleId, { actions })
  }

  /** Enables default rules, but those that the user has enabled or disabled before. */
  async enableUndecided(owner: RulesOwner, ruleIds: readonly string[]): Promise<void> {
    const { defaults } = (await this.#load(owner)).edits
    if (ruleIds.every((ruleId) => defaults[ruleId]?.enabled !== undefined)) return
    await this.#edit(owner, (edits) => withEnabled(edits, ruleIds))
  }

  async #change(
    owner: RulesOwner,
    kind: PushRuleKind,
    ruleId: string,
    change: Partial<Pick<PushRule, 'enabled' | 'actions'>>,
  ): Promise<void> {
    await this.#edit(owner, (edits) => {
      findRule(rulesetOf(owner.userId, edits), kind, ruleId)
      return withChange(edits, kind, ruleId, change)
    })
  }

  #edit(owner: RulesOwner, edit: (edits: PushRuleEdits) => PushRuleEdits): Promise<void> {
    return this.#queue.run(owner.userNid, async () => {
      const edits = JSON.stringify(edit((await this.#load(owner)).edits))
      assertWithin('bytes of push rules', edits.length)
      const { db, table } = this.#parts
      await db.write((batch) => {
        table.set(batch, owner.userNid, edits)
        batch.onSettled(() => this.#loaded.delete(owner.userNid))
      })
    })
  }

  async #load(owner: RulesOwner): Promise<Loaded> {
    const known = this.#loaded.get(owner.userNid)
    if (known) return known
    const row = await this.#parts.table.get(owner.userNid)
    const edits = row ? (parseJson(row.rules) as unknown as PushRuleEdits) : noEdits
    const length = row?.rules.length ?? 0
    const loaded = { edits, length, position: row?.position ?? 0, ruleset: rulesetOf(owner.userId, edits) }
    this.#loaded.set(owner.userNid, loaded)
    return loaded
  }
}
