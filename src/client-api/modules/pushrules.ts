import {
  deletePushRule,
  getMalformedPushRule,
  getPushRule,
  getPushRuleActions,
  getPushRules,
  getPushRulesGlobal,
  getPushRulesOfKind,
  isPushRuleEnabled,
  setMalformedPushRule,
  setPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from '../../../schemas/client/pushrules.ts'
import { invalidParam } from '../../core/errors.ts'
import { type Route, route } from '../../http/route.ts'
import { type NewPushRule, ruleJson, rulesetJson } from '../../users/push-rule-edits.ts'
import type { PushRules } from '../../users/push-rules.ts'

export const pushRuleRoutes = ({ pushRules }: { pushRules: PushRules }): Route[] => [
  route(getPushRules, async ({ requester }) => ({ global: rulesetJson(await pushRules.ruleset(requester)) })),
  route(getPushRulesGlobal, async ({ requester }) => rulesetJson(await pushRules.ruleset(requester))),
  route(getPushRulesOfKind, async ({ params, requester }) => rulesetJson(await pushRules.ruleset(requester))[params.kind]),
  route(getPushRule, async ({ params, requester }) => ruleJson(await pushRules.rule(requester, params.kind, params.ruleId))),
  route(deletePushRule, async ({ params, requester }) => {
    await pushRules.remove(requester, params.kind, params.ruleId)
    return {}
  }),
  route(setPushRule, async ({ params, query, body, requester }) => {
    await pushRules.put(requester, params.kind, params.ruleId, body as NewPushRule, query)
    return {}
  }),
  route(isPushRuleEnabled, async ({ params, requester }) => ({
    enabled: (await pushRules.rule(requester, params.kind, params.ruleId)).enabled,
  })),
  route(setPushRuleEnabled, async ({ params, body, requester }) => {
    await pushRules.setEnabled(requester, params.kind, params.ruleId, body.enabled)
    return {}
  }),
  route(getPushRuleActions, async ({ params, requester }) => ({
    actions: (await pushRules.rule(requester, params.kind, params.ruleId)).actions,
  })),
  route(setPushRuleActions, async ({ params, body, requester }) => {
    await pushRules.setActions(requester, params.kind, params.ruleId, body.actions)
    return {}
  }),
  ...[getMalformedPushRule, setMalformedPushRule].map((endpoint) => route(endpoint, () => Promise.reject(noSuchPath()))),
]

const noSuchPath = () => invalidParam('There are only rules of the scope global, each with a kind and an id')
