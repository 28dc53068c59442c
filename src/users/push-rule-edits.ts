/** How a user's push rules differ from the server's defaults, and how they are changed. Pure: every function gives new edits. */
import type { UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { invalidParam, missingParam, notFound, unknownRelativeRule } from '../core/errors.ts'
import { assertWithin } from '../core/quotas.ts'
import { defaultPushRules, MASTER_RULE_ID } from '../protocol/default-push-rules.ts'
import { type PushAction, type PushRule, type PushRuleKind, type PushRuleset, searchesOf } from '../protocol/push-rules.ts'

/** What a user may change of a default rule. */
interface Override {
  enabled?: boolean
  actions?: PushAction[]
}

export interface PushRuleEdits {
  /** The user's own rules, the most important first. */
  rules: Partial<Record<PushRuleKind, PushRule[]>>
  /** Changes of default rules, by their ids. */
  defaults: Record<string, Override>
}

export const noEdits: PushRuleEdits = { rules: {}, defaults: {} }

/** A rule as a client sends it. */
export interface NewPushRule {
  actions: PushAction[]
  conditions?: JsonObject[]
  pattern?: string
}

/** Where a rule goes among the user's own of its kind. */
export interface RulePlace {
  /** It becomes the next more important rule to this one; it wins over `after`. */
  before?: string
  /** It becomes the next less important rule to this one. */
  after?: string
}

/** All rules of a user, defaults included, in the order in which they are tried. */
export function rulesetOf(owner: UserId, { rules, defaults }: PushRuleEdits): PushRuleset {
  const changed = (list: PushRule[]) => list.map((rule) => ({ ...rule, ...defaults[rule.rule_id] }))
  const base = defaultPushRules(owner)
  const override = changed(base.override)
  return {
    override: [
      ...override.filter(({ rule_id: id }) => id === MASTER_RULE_ID),
      ...(rules.override ?? []),
      ...override.filter(({ rule_id: id }) => id !== MASTER_RULE_ID),
    ],
    content: [...(rules.content ?? []), ...changed(base.content)],
    postcontent: changed(base.postcontent),
    room: [...(rules.room ?? []), ...changed(base.room)],
    sender: [...(rules.sender ?? []), ...changed(base.sender)],
    underride: [...(rules.underride ?? []), ...changed(base.underride)],
  }
}

/** A ruleset as JSON. */
export function rulesetJson(ruleset: PushRuleset): Record<PushRuleKind, JsonObject[]> {
  const { override, content, postcontent, room, sender, underride } = ruleset
  return {
    override: override.map(ruleJson),
    content: content.map(ruleJson),
    postcontent: postcontent.map(ruleJson),
    room: room.map(ruleJson),
    sender: sender.map(ruleJson),
    underride: underride.map(ruleJson),
  }
}

export const ruleJson = (rule: PushRule): JsonObject => ({ ...rule })

/** @throws {MatrixError} M_NOT_FOUND */
export function findRule(ruleset: PushRuleset, kind: PushRuleKind, ruleId: string): PushRule {
  const rule = ruleset[kind].find(({ rule_id: id }) => id === ruleId)
  if (!rule) throw notFound('The push rule was not found')
  return rule
}

/**
 * Adds a rule, or replaces the user's rule of the same kind and id.
 * @throws {MatrixError} 400 where the rule is not valid or one too many, or `before` or `after` is none of the user's own rules
 */
export function withRule(
  edits: PushRuleEdits,
  kind: PushRuleKind,
  ruleId: string,
  rule: NewPushRule,
  place: RulePlace,
): PushRuleEdits {
  assertValid(kind, ruleId, rule)
  const before = edits.rules[kind] ?? []
  const old = before.find(({ rule_id: id }) => id === ruleId)
  const made = { rule_id: ruleId, default: false, enabled: old?.enabled ?? true, ...partsOf(kind, rule) }
  const isUnplaced = place.before === undefined && place.after === undefined
  const others = before.filter((other) => other !== old)
  const index = old && isUnplaced ? before.indexOf(old) : indexOf(others, place)
  const after = withRules(edits, kind, others.toSpliced(index, 0, made))
  assertNotTooMany(after)
  return after
}

function assertNotTooMany({ rules }: PushRuleEdits): void {
  const all = Object.values(rules).flat()
  assertWithin('push rules', all.length)
  assertWithin(
    'words and wildcards in push rules',
    all.reduce((sum, rule) => sum + searchesOf(rule), 0),
  )
}

/** @throws {MatrixError} M_NOT_FOUND where the user has no such rule of their own */
export function withoutRule(edits: PushRuleEdits, kind: PushRuleKind, ruleId: string): PushRuleEdits {
  const rules = edits.rules[kind] ?? []
  const others = rules.filter(({ rule_id: id }) => id !== ruleId)
  if (others.length === rules.length) throw notFound('The push rule was not found')
  return withRules(edits, kind, others)
}

/** Switches a rule, be it a default one or the user's own, or gives it other actions. The rule must exist. */
export function withChange(edits: PushRuleEdits, kind: PushRuleKind, ruleId: string, change: Override): PushRuleEdits {
  if (change.actions) assertValidActions(change.actions)
  const own = edits.rules[kind] ?? []
  if (!own.some(({ rule_id: id }) => id === ruleId))
    return { ...edits, defaults: { ...edits.defaults, [ruleId]: { ...edits.defaults[ruleId], ...change } } }
  return withRules(
    edits,
    kind,
    own.map((rule) => (rule.rule_id === ruleId ? { ...rule, ...change } : rule)),
  )
}

/** Enables default rules of which the user has not said whether they are to be. */
export function withEnabled(edits: PushRuleEdits, ruleIds: readonly string[]): PushRuleEdits {
  const defaults = { ...edits.defaults }
  for (const ruleId of ruleIds) defaults[ruleId] = { enabled: true, ...defaults[ruleId] }
  return { ...edits, defaults }
}

function withRules(edits: PushRuleEdits, kind: PushRuleKind, rules: PushRule[]): PushRuleEdits {
  return { ...edits, rules: { ...edits.rules, [kind]: rules } }
}

function indexOf(rules: readonly PushRule[], { before, after }: RulePlace): number {
  const neighbour = before ?? after
  if (neighbour === undefined) return 0
  const index = rules.findIndex(({ rule_id: id }) => id === neighbour)
  if (index < 0) throw unknownRelativeRule(`There is no rule ${neighbour} of yours to place it at`)
  return before === undefined ? index + 1 : index
}

function partsOf(
  kind: PushRuleKind,
  { actions, conditions, pattern }: NewPushRule,
): Pick<PushRule, 'actions' | 'conditions' | 'pattern'> {
  if (kind === 'content') return { actions, pattern: pattern ?? '' }
  if (kind === 'override' || kind === 'underride')
    return { actions, conditions: (conditions ?? []) as PushRule['conditions'] & {} }
  return { actions }
}

function assertValid(kind: PushRuleKind, ruleId: string, rule: NewPushRule): void {
  if (kind === 'postcontent') throw invalidParam('Rules of the kind postcontent are the server’s')
  // If the string starts with a dot ("."), the request MUST be rejected. Slashes and backslashes are also not allowed.
  if (ruleId.startsWith('.')) throw invalidParam('Rule IDs that start with a dot are the server’s')
  if (/[/\\]/.test(ruleId)) throw invalidParam('A rule ID holds neither slashes nor backslashes')
  if (kind === 'content' && rule.pattern === undefined) throw missingParam('A content rule needs a pattern')
  if (rule.conditions?.some(({ kind: name }) => typeof name !== 'string')) throw invalidParam('Each condition needs a kind')
  assertValidActions(rule.actions)
}

function assertValidActions(actions: readonly PushAction[]): void {
  for (const action of actions) {
    const isKnown =
      typeof action === 'string'
        ? action === 'notify' || action === 'dont_notify' || action === 'coalesce'
        : typeof action['set_tweak'] === 'string'
    if (!isKnown) throw invalidParam(`${JSON.stringify(action)} is no action of a push rule`)
  }
}
