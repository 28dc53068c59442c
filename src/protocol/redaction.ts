/**
 * The redaction algorithm, its versions as data.
 * https://spec.matrix.org/v1.19/client-server-api/#redactions and the section "Redactions" of each room version
 */
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import type { Pdu } from './event.ts'

/**
 * What survives of an object: named keys, each whole (`true`) or in turn reduced to some keys (and dropped
 * where it is not an object); or all keys.
 */
export type KeptKeys = 'all' | { readonly [key: string]: true | KeptKeys }

export interface RedactionRules {
  /** Top-level keys that survive. `content` is among them and is reduced by the rules below. */
  readonly topLevel: ReadonlySet<string>
  /** What survives of `content`, by event type; nothing for a type that is not listed. */
  readonly content: ReadonlyMap<string, KeptKeys>
}

// In canonical order, here and below, so that a redacted event mostly needs no sorting to be hashed and signed.
const topLevelV11 = [
  'auth_events',
  'content',
  'depth',
  'event_id',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'signatures',
  'state_key',
  'type',
]

const powerLevels: KeptKeys = {
  ban: true,
  events: true,
  events_default: true,
  kick: true,
  redact: true,
  state_default: true,
  users: true,
  users_default: true,
}

export const redactionV1: RedactionRules = {
  topLevel: new Set([...topLevelV11, 'membership', 'origin', 'prev_state'].toSorted()),
  content: new Map<string, KeptKeys>([
    ['m.room.member', { membership: true }],
    ['m.room.create', { creator: true }],
    ['m.room.join_rules', { join_rule: true }],
    ['m.room.power_levels', powerLevels],
    ['m.room.aliases', { aliases: true }],
    ['m.room.history_visibility', { history_visibility: true }],
  ]),
}

/** Since v6: m.room.aliases keeps nothing. */
export const redactionV6: RedactionRules = changed(redactionV1, [['m.room.aliases', {}]])

/** Since v8: m.room.join_rules keeps `allow`. */
export const redactionV8: RedactionRules = changed(redactionV6, [['m.room.join_rules', { allow: true, join_rule: true }]])

/** Since v9: m.room.member keeps `join_authorised_via_users_server`. */
export const redactionV9: RedactionRules = changed(redactionV8, [
  ['m.room.member', { join_authorised_via_users_server: true, membership: true }],
])

/**
 * Since v11: `prev_state`, `origin` and `membership` go; m.room.create keeps its whole content, m.room.redaction
 * `redacts`, m.room.power_levels `invite`, and m.room.member the `signed` key of `third_party_invite`.
 */
export const redactionV11: RedactionRules = {
  topLevel: new Set(topLevelV11),
  content: changed(redactionV9, [
    ['m.room.member', { join_authorised_via_users_server: true, membership: true, third_party_invite: { signed: true } }],
    ['m.room.create', 'all'],
    ['m.room.power_levels', { ...powerLevels, invite: true }],
    ['m.room.redaction', { redacts: true }],
  ]).content,
}

function changed(from: RedactionRules, content: [type: string, KeptKeys][]): RedactionRules {
  return { topLevel: from.topLevel, content: new Map([...from.content, ...content]) }
}

/**
 * The redacted form of a PDU: a new object that shares its values with the PDU, which is left as it is.
 * `unsigned` is not kept. A `content` that is no object becomes `{}`.
 */
export function redact(pdu: Pdu, rules: RedactionRules): Pdu {
  const redacted: Pdu = {}
  for (const key of rules.topLevel) {
    const value = Object.hasOwn(pdu, key) ? pdu[key] : undefined
    if (value !== undefined) redacted[key] = value
  }
  const { type, content } = pdu
  redacted['content'] = typeof type === 'string' && isJsonObject(content) ? redactContent(type, content, rules) : {}
  return redacted
}

/** What is left of the content of an event of that type: the content itself where all of it stays. */
export function redactContent(type: string, content: JsonObject, rules: RedactionRules): JsonObject {
  const keys = rules.content.get(type)
  return keys === undefined ? {} : kept(content, keys)
}

function kept(object: JsonObject, keys: KeptKeys): JsonObject {
  if (keys === 'all') return object
  const result: JsonObject = {}
  for (const [key, rule] of Object.entries(keys)) {
    const child = Object.hasOwn(object, key) ? object[key] : undefined
    if (rule === true && child !== undefined) result[key] = child
    if (rule !== true && isJsonObject(child)) result[key] = kept(child, rule)
  }
  return result
}
