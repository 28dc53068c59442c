/** What a room that replaces another one takes over from it. https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-16 */
import type { UserId } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, stringAt } from '../../schemas/json.ts'
import { readLevel } from '../protocol/power-levels.ts'
import type { RoomRules } from '../protocol/room-versions.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { StateDraft } from './initial-events.ts'

/** The recommended state events to transfer, and the aliases, which move along. */
const TRANSFERRED = [
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.encryption',
  'm.room.server_acl',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.canonical_alias',
]
const POWER_LEVELS = 'm.room.power_levels'
const OPERATOR_LEVEL = 100
const TOMBSTONE_LEVEL_OF_CREATORS = 150
const DEFAULTS = { users_default: 0, state_default: 50, events_default: 0, ban: 50 }

export interface Succession {
  readonly upgrader: UserId
  /** Creators of the old and of the new room, where the version knows more than one. */
  readonly creatorsBefore: readonly UserId[]
  readonly creatorsAfter: readonly UserId[]
  readonly from: RoomRules
  readonly to: RoomRules
}

/** The events after the upgrader's join: power levels first, the bans last. */
export function successorEvents(state: readonly StoredEvent[], succession: Succession): StateDraft[] {
  const at = (type: string) => state.find((event) => event.type === type && event.stateKey === '')
  const taken = TRANSFERRED.flatMap((type) => draftOf(at(type)))
  const children = state.filter(({ type, content }) => type === 'm.space.child' && Object.keys(content).length > 0)
  const bans = state.filter(({ type, content }) => type === 'm.room.member' && content['membership'] === 'ban')
  const others = [...taken, ...children.flatMap(draftOf), ...bans.flatMap(banOf)]
  const levels = successorLevels(at(POWER_LEVELS)?.content ?? {}, succession)
  const needed = neededLevel(levels, others)
  const { to, upgrader } = succession
  const own = to.auth.privilegedCreators ? Number.POSITIVE_INFINITY : levelOf(levels, upgrader)
  const power = (content: JsonObject): StateDraft => ({ type: POWER_LEVELS, stateKey: '', content })
  if (own >= needed) return [power(levels), ...others]
  // Whoever may upgrade need not have the level for all of it: they get it for as long as it takes.
  const raised = { ...levels, users: { ...objectIn(levels, 'users'), [upgrader]: needed } }
  return [power(raised), ...others, power(levels)]
}

/** The levels of the old room, written as the new version wants them. */
function successorLevels(content: JsonObject, { from, to, upgrader, creatorsBefore, creatorsAfter }: Succession): JsonObject {
  const levels: JsonObject = {}
  for (const [key, value] of Object.entries(content)) {
    const level = isJsonObject(value) ? levelsIn(value, from) : readLevel(value, from)
    if (level !== undefined) levels[key] = level
  }
  const users = { ...objectIn(levels, 'users') }
  if (to.auth.privilegedCreators) {
    for (const creator of [upgrader, ...creatorsAfter]) delete users[creator]
    return { ...levels, users, events: eventsWithTombstone(levels) }
  }
  for (const creator of creatorsBefore) users[creator] ??= OPERATOR_LEVEL
  return { ...levels, users }
}

/** The level for tombstones MUST be higher than state_default, since v12. */
function eventsWithTombstone(levels: JsonObject): JsonObject {
  const events = objectIn(levels, 'events')
  const floor = numberIn(levels, 'state_default') ?? DEFAULTS.state_default
  const own = numberIn(events, 'm.room.tombstone') ?? 0
  return own > floor ? events : { ...events, 'm.room.tombstone': Math.max(TOMBSTONE_LEVEL_OF_CREATORS, floor + 1) }
}

/** What it takes to send all of these events and the power levels once more. */
function neededLevel(levels: JsonObject, events: readonly StateDraft[]): number {
  const named = objectIn(levels, 'events')
  const state = numberIn(levels, 'state_default') ?? DEFAULTS.state_default
  const needed = [...events, { type: POWER_LEVELS, stateKey: '' }].map(({ type, stateKey }) =>
    type === 'm.room.member'
      ? Math.max(numberIn(levels, 'ban') ?? DEFAULTS.ban, 1 + levelOf(levels, stateKey))
      : (numberIn(named, type) ?? state),
  )
  return Math.max(...needed)
}

function levelOf(levels: JsonObject, user: string): number {
  return numberIn(objectIn(levels, 'users'), user) ?? numberIn(levels, 'users_default') ?? DEFAULTS.users_default
}

function levelsIn(object: JsonObject, rules: RoomRules): JsonObject {
  const levels: JsonObject = {}
  for (const [key, value] of Object.entries(object)) {
    const level = readLevel(value, rules)
    if (level !== undefined) levels[key] = level
  }
  return levels
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value: Json | undefined = object[key]
  return isJsonObject(value) ? value : {}
}

function numberIn(object: JsonObject, key: string): number | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined
  return typeof value === 'number' ? value : undefined
}

function draftOf(event: StoredEvent | undefined): StateDraft[] {
  return event?.stateKey === undefined ? [] : [{ type: event.type, stateKey: event.stateKey, content: event.content }]
}

/** Membership should not be transferred but for bans: those are the room's own to give. */
function banOf({ stateKey, content }: StoredEvent): StateDraft[] {
  if (stateKey === undefined) return []
  const reason = stringAt(content, 'reason')
  return [{ type: 'm.room.member', stateKey, content: { membership: 'ban', ...(reason !== undefined && { reason }) } }]
}

/** The power levels of a room that is not to be used any more; undefined where they are that already. */
export function retiredLevels(content: JsonObject, rules: RoomRules): JsonObject | undefined {
  // The greater of 50 and users_default + 1.
  const level = Math.max(50, (readLevel(content['users_default'], rules) ?? DEFAULTS.users_default) + 1)
  const raised = ['events_default', 'invite'].filter((key) => (readLevel(content[key], rules) ?? 0) < level)
  return raised.length === 0 ? undefined : { ...content, ...Object.fromEntries(raised.map((key) => [key, level])) }
}
