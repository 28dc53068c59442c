/** What a user wants to become of invites. */
import { serverOf, type UserId } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../schemas/json.ts'
import { GlobList } from './glob.ts'
import { hostOf } from './server-acl.ts'

/** An invite that is ignored is sent as if it were welcome, and its target does not hear of it; one that is blocked is refused. */
export type InviteRule = 'allow' | 'ignore' | 'block'

export type InviteRules = (sender: UserId) => InviteRule

/** In the order in which they are tried, of users and then of servers. */
const LISTS = [
  { name: 'allowed', rule: 'allow' },
  { name: 'ignored', rule: 'ignore' },
  { name: 'blocked', rule: 'block' },
] as const

/** No user ID, and no server name, is longer; a longer pattern only costs time. */
const MAX_PATTERN_LENGTH = 255
/** How many patterns of a list count, so that what one user writes there costs others no time. */
const MAX_PATTERNS = 10_000

const allow: InviteRules = () => 'allow'
const block: InviteRules = () => 'block'

/** The rules of `m.invite_permission_config`. https://spec.matrix.org/v1.19/client-server-api/#invite-permission */
export function blockingRules(content: Json): InviteRules {
  return isJsonObject(content) && content['default_action'] === 'block' ? block : allow
}

/**
 * The rules of `org.matrix.msc4155.invite_permission_config`.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4155
 */
export function filteringRules(content: Json): InviteRules {
  if (!isJsonObject(content) || content['enabled'] === false) return allow
  const users = listsOf(content, 'users')
  const servers = listsOf(content, 'servers')
  // Any value that is not an array of strings leads to the entire event being considered invalid.
  if (!users || !servers) return allow
  return (sender) => firstMatch(users, sender) ?? firstMatch(servers, hostOf(serverOf(sender))) ?? 'allow'
}

type RuleLists = readonly (readonly [InviteRule, GlobList])[]

function firstMatch(lists: RuleLists, text: string): InviteRule | undefined {
  return lists.find(([, list]) => list.matches(text))?.[0]
}

function listsOf(content: JsonObject, of: 'users' | 'servers'): RuleLists | undefined {
  const lists: [InviteRule, GlobList][] = []
  for (const { name, rule } of LISTS) {
    const { [`${name}_${of}`]: patterns = [] } = content
    if (!isStrings(patterns)) return undefined
    const counted = patterns.filter(({ length }) => length <= MAX_PATTERN_LENGTH).slice(0, MAX_PATTERNS)
    lists.push([rule, new GlobList(counted)])
  }
  return lists
}

function isStrings(value: Json): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
