import { Type } from 'typebox'
import { clientEndpoint } from '../apis.ts'
import { empty, json, jsonObject } from '../definitions.ts'
import type { JsonObject } from '../json.ts'

const ALL = '/_matrix/client/v3/pushrules'
const RULE = `${ALL}/global/:kind/:ruleId`

const kind = () => Type.Enum(['override', 'underride', 'sender', 'room', 'content', 'postcontent'])
const rule = () => Type.Object({ kind: kind(), ruleId: Type.String({ minLength: 1 }) })
const actions = () => Type.Array(Type.Union([Type.String(), jsonObject()]))

const condition = () =>
  Type.Object({
    kind: Type.String(),
    key: Type.Optional(Type.String()),
    pattern: Type.Optional(Type.String()),
    is: Type.Optional(Type.String()),
    value: Type.Optional(json()),
    /** MSC4306 */
    subscribed: Type.Optional(Type.Boolean()),
  })

const pushRule = () =>
  Type.Unsafe<JsonObject>(
    Type.Object({
      rule_id: Type.String(),
      default: Type.Boolean(),
      enabled: Type.Boolean(),
      actions: actions(),
      conditions: Type.Optional(Type.Array(condition())),
      pattern: Type.Optional(Type.String()),
    }),
  )

const ruleset = () =>
  Type.Object({
    override: Type.Optional(Type.Array(pushRule())),
    content: Type.Optional(Type.Array(pushRule())),
    /** MSC4306 */
    postcontent: Type.Optional(Type.Array(pushRule())),
    room: Type.Optional(Type.Array(pushRule())),
    sender: Type.Optional(Type.Array(pushRule())),
    underride: Type.Optional(Type.Array(pushRule())),
  })

export const getPushRules = clientEndpoint('GET', `${ALL}/`, {
  auth: 'access-token',
  rateLimit: 'read',
  response: Type.Object({ global: ruleset() }),
})

export const getPushRulesGlobal = clientEndpoint('GET', `${ALL}/global/`, {
  auth: 'access-token',
  rateLimit: 'read',
  response: ruleset(),
})

/** Not in the specification, but served by all homeservers: the rules of one kind. */
export const getPushRulesOfKind = clientEndpoint('GET', `${ALL}/global/:kind/`, {
  auth: 'access-token',
  rateLimit: 'read',
  params: Type.Object({ kind: kind() }),
  response: Type.Array(pushRule()),
  spec: getPushRulesGlobal.spec,
})

export const getPushRule = clientEndpoint('GET', RULE, {
  auth: 'access-token',
  rateLimit: 'read',
  params: rule(),
  response: pushRule(),
})

export const deletePushRule = clientEndpoint('DELETE', RULE, {
  auth: 'access-token',
  rateLimit: 'write',
  params: rule(),
  response: empty(),
})

export const setPushRule = clientEndpoint('PUT', RULE, {
  auth: 'access-token',
  rateLimit: 'write',
  params: rule(),
  query: Type.Object({ before: Type.Optional(Type.String()), after: Type.Optional(Type.String()) }),
  body: Type.Object({
    actions: actions(),
    conditions: Type.Optional(Type.Array(condition())),
    pattern: Type.Optional(Type.String()),
  }),
  response: empty(),
})

export const isPushRuleEnabled = clientEndpoint('GET', `${RULE}/enabled`, {
  auth: 'access-token',
  rateLimit: 'read',
  params: rule(),
  response: Type.Object({ enabled: Type.Boolean() }),
})

export const setPushRuleEnabled = clientEndpoint('PUT', `${RULE}/enabled`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: rule(),
  body: Type.Object({ enabled: Type.Boolean() }),
  response: empty(),
})

export const getPushRuleActions = clientEndpoint('GET', `${RULE}/actions`, {
  auth: 'access-token',
  rateLimit: 'read',
  params: rule(),
  response: Type.Object({ actions: actions() }),
})

export const setPushRuleActions = clientEndpoint('PUT', `${RULE}/actions`, {
  auth: 'access-token',
  rateLimit: 'write',
  params: rule(),
  body: Type.Object({ actions: actions() }),
  response: empty(),
})

const MALFORMED = [
  `${ALL}/:scope/`,
  `${ALL}/:scope/:kind`,
  `${ALL}/:scope/:kind/`,
  `${ALL}/:scope/:kind/:ruleId`,
  `${ALL}/:scope/:kind/:ruleId/`,
  `${ALL}/:scope/:kind/:ruleId/:attribute`,
]

/** Other scopes than `global`, and paths that end too early or too late: answered with 400 M_INVALID_PARAM, as clients expect. */
export const getMalformedPushRule = clientEndpoint('GET', `${ALL}/:scope`, {
  alsoAt: MALFORMED,
  auth: 'access-token',
  rateLimit: 'read',
  response: empty(),
  spec: getPushRule.spec,
})

export const setMalformedPushRule = clientEndpoint('PUT', `${ALL}/:scope`, {
  alsoAt: [`${ALL}/`, ...MALFORMED],
  auth: 'access-token',
  rateLimit: 'write',
  response: empty(),
  spec: setPushRule.spec,
})
