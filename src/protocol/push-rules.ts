/**
 * Push rules: does an event notify a user, and how?
 * https://spec.matrix.org/v1.19/client-server-api/#push-rules
 *
 * An event is looked at once for all users of its room (`PushSubject`), a user's rules are compiled once for all
 * events (`compilePushRules`); what is left to do for each pair is a few comparisons.
 */
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import {
  type Condition,
  compileCondition,
  inBody,
  type PushCondition,
  type PushReader,
  type PushSubject,
  searchesOfCondition,
  THREAD_SUBSCRIPTION,
  typeAskedBy,
} from './push-conditions.ts'

export { type PushCondition, type PushReader, PushSubject } from './push-conditions.ts'

export type PushAction = string | JsonObject

export interface PushRule {
  rule_id: string
  default: boolean
  enabled: boolean
  actions: PushAction[]
  /** Of override, postcontent and underride rules. */
  conditions?: PushCondition[]
  /** Of content rules: a glob for the body. */
  pattern?: string
}

/** The kinds of rule in the order that they are checked. Of `postcontent` (MSC4306), users have none of their own. */
export const pushRuleKinds = ['override', 'content', 'postcontent', 'room', 'sender', 'underride'] as const
export type PushRuleKind = (typeof pushRuleKinds)[number]
export type PushRuleset = Record<PushRuleKind, PushRule[]>

/** What becomes of an event for a user. */
export interface PushOutcome {
  /** The rule that decided, or undefined where none matched or the event is the user's own. */
  readonly ruleId: string | undefined
  readonly notify: boolean
  /** Whether it counts as a highlight; never without `notify`. */
  readonly highlight: boolean
  readonly sound: string | undefined
  /** The actions of the rule, as they are handed to the client. */
  readonly actions: readonly PushAction[]
}

const nothing: PushOutcome = { ruleId: undefined, notify: false, highlight: false, sound: undefined, actions: [] }

interface CompiledRule {
  /** The one type of event that it can match, with its case folded away; undefined where it may be any. */
  readonly type: string | undefined
  readonly conditions: readonly Condition[]
  readonly outcome: PushOutcome
}

/** Rules in order. Most are about one type of event: those that an event need not be tried with are left out at once. */
class RulesByType {
  readonly #rules: readonly CompiledRule[]
  readonly #types: ReadonlySet<string>
  readonly #byType = new Map<string, readonly CompiledRule[]>()

  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules
    this.#types = new Set(rules.flatMap(({ type }) => type ?? []))
  }

  of(type: string): readonly CompiledRule[] {
    const key = this.#types.has(type) ? type : ''
    let rules = this.#byType.get(key)
    if (!rules) {
      rules = this.#rules.filter((rule) => rule.type === undefined || rule.type === type)
      this.#byType.set(key, rules)
    }
    return rules
  }
}

/** A user's rules, ready to be asked. */
export interface CompiledPushRules {
  readonly owner: string
  /** They are the default rules as they are, which most users have. */
  readonly areDefault: boolean
  /** Whether a rule asks if the user is subscribed to a thread. */
  readonly asksForThreads: boolean
  /** Override, content and postcontent rules. */
  readonly first: RulesByType
  readonly rooms: ReadonlyMap<string, PushOutcome>
  readonly senders: ReadonlyMap<string, PushOutcome>
  /** Underride rules. */
  readonly last: RulesByType
}

/**
 * Compiles a user's rules, default rules included, each kind in the order in which its rules are tried. Rules that
 * can never match are left out: disabled ones, and those with a condition that is not understood.
 * @param areDefault they are the default rules as they are
 */
export function compilePushRules(ruleset: PushRuleset, owner: string, areDefault = false): CompiledPushRules {
  const conditional = (rules: readonly PushRule[]) => compileRules(rules, ({ conditions = [] }) => conditions)
  const content = compileRules(ruleset.content, ({ pattern }) => [inBody(pattern)])
  return {
    owner,
    areDefault,
    asksForThreads: [ruleset.override, ruleset.postcontent, ruleset.underride].some((rules) => rules.some(asksForThreads)),
    first: new RulesByType([...conditional(ruleset.override), ...content, ...conditional(ruleset.postcontent)]),
    rooms: outcomesById(ruleset.room),
    senders: outcomesById(ruleset.sender),
    last: new RulesByType(conditional(ruleset.underride)),
  }
}

function asksForThreads({ enabled, conditions = [] }: PushRule): boolean {
  return enabled && conditions.some(({ kind }) => kind === THREAD_SUBSCRIPTION)
}

/** Finds the rule of the highest priority that matches, and what it asks for. */
export function evaluatePushRules(rules: CompiledPushRules, subject: PushSubject, reader: PushReader): PushOutcome {
  const { event } = subject
  // Homeservers MUST NOT notify the Push Gateway for events that the user has sent themselves.
  if (event.sender === rules.owner) return nothing
  if (subject.isPersonal || !rules.areDefault) return decide(rules, subject, reader)
  return (subject.commonOutcome ??= decide(rules, subject, reader))
}

function decide(rules: CompiledPushRules, subject: PushSubject, reader: PushReader): PushOutcome {
  const { event } = subject
  return (
    firstMatch(rules.first.of(subject.foldedType), subject, reader) ??
    rules.rooms.get(event.roomId) ??
    rules.senders.get(event.sender) ??
    firstMatch(rules.last.of(subject.foldedType), subject, reader) ??
    nothing
  )
}

function firstMatch(rules: readonly CompiledRule[], subject: PushSubject, reader: PushReader): PushOutcome | undefined {
  for (const rule of rules) if (allHold(rule.conditions, subject, reader)) return rule.outcome
  return undefined
}

function allHold(conditions: readonly Condition[], subject: PushSubject, reader: PushReader): boolean {
  for (const holds of conditions) if (!holds(subject, reader)) return false
  return true
}

/** How often a rule goes through long texts and lists. See `searchesOfCondition`. */
export function searchesOf({ conditions = [], pattern }: PushRule): number {
  return [...conditions, inBody(pattern)].reduce((sum, condition) => sum + searchesOfCondition(condition), 0)
}

function compileRules(rules: readonly PushRule[], conditionsOf: (rule: PushRule) => readonly PushCondition[]): CompiledRule[] {
  return rules
    .filter((rule) => rule.enabled)
    .flatMap((rule) => {
      const asked = conditionsOf(rule)
      const type = asked.map(typeAskedBy).find((name) => name !== undefined)
      const conditions = asked.map(compileCondition).filter((condition) => condition !== undefined)
      return conditions.length < asked.length ? [] : [{ type, conditions, outcome: outcomeOf(rule) }]
    })
}

function outcomesById(rules: readonly PushRule[]): Map<string, PushOutcome> {
  return new Map(rules.filter((rule) => rule.enabled).map((rule) => [rule.rule_id, outcomeOf(rule)]))
}

function outcomeOf({ rule_id: ruleId, actions: all }: PushRule): PushOutcome {
  // Clients and homeservers MUST ignore the historical actions dont_notify and coalesce.
  const actions = all.filter((action) => action !== 'dont_notify' && action !== 'coalesce')
  const notify = actions.includes('notify')
  const sound = tweak(actions, 'sound')?.['value']
  const highlight = tweak(actions, 'highlight')
  return {
    ruleId,
    notify,
    // If a highlight tweak is given with no value, its value is defined to be true.
    highlight: notify && highlight !== undefined && (highlight['value'] ?? true) === true,
    sound: typeof sound === 'string' ? sound : undefined,
    actions,
  }
}

function tweak(actions: readonly PushAction[], name: string): JsonObject | undefined {
  return actions.filter((action) => isJsonObject(action)).findLast((action) => action['set_tweak'] === name)
}
