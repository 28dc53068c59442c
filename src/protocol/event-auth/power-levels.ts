/** Rule 10 of the authorisation rules: `m.room.power_levels`. Numbers are those of room version 12. */
import { isUserId } from '../../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, objectAt } from '../../../schemas/json.ts'
import type { CheckedEvent } from '../event.ts'
import { creatorsOf, namedLevels, readLevel } from '../power-levels.ts'
import type { RoomRules } from '../room-versions.ts'
import { allow, type AuthVerdict, reject, type Refusal } from './verdict.ts'

/**
 * May this event replace `current`, the power levels of the room so far?
 * @param senderLevel the sender's level by `current`
 */
export function authorisePowerLevels(
  event: CheckedEvent,
  current: CheckedEvent | undefined,
  create: CheckedEvent,
  senderLevel: number,
): AuthVerdict {
  const badForm = formOf(event) ?? creatorsListed(event, create)
  if (badForm !== undefined) return badForm
  // 10.5 If there is no previous m.room.power_levels event in the room, allow.
  if (current === undefined) return allow
  const change = { before: current.content, after: event.content, rules: event.rules, sender: event.sender, senderLevel }
  return namedChanges(change) ?? listedChanges(change) ?? userChanges(change) ?? allow
}

function formOf(event: CheckedEvent): Refusal | undefined {
  const { content, rules } = event
  if (rules.auth.integerPowerLevels) {
    // 10.1 Since v10: if any of the named levels are present and not an integer, reject.
    const wrong = namedLevels.find((name) => Object.hasOwn(content, name) && readLevel(content[name], rules) === undefined)
    if (wrong !== undefined) return reject('power-levels-not-integer', `${wrong} is not an integer`)
    // 10.2 Since v10: if events or notifications are present and not an object with integers as values, reject.
    const bad = ['events', 'notifications'].find((name) => Object.hasOwn(content, name) && !areLevels(content[name], rules))
    if (bad !== undefined) return reject('power-levels-not-integer', `${bad} does not hold integers only`)
  }
  // 10.3 If users is not an object with keys that are valid user IDs and values that are integers (until v9, or strings of one), reject.
  const users = content['users']
  if (Object.hasOwn(content, 'users') && !(areLevels(users, rules) && Object.keys(users).every(isUserId))) {
    return reject('power-levels-users', 'users does not give user IDs a level')
  }
  return undefined
}

/** 10.4 Since v12: if users contains the sender or any of the additional_creators of the create event, reject. */
function creatorsListed(event: CheckedEvent, create: CheckedEvent): Refusal | undefined {
  if (!event.rules.auth.privilegedCreators) return undefined
  const users = objectAt(event.content, 'users') ?? {}
  const listed = [...creatorsOf(create)].some((creator) => Object.hasOwn(users, creator))
  return listed ? reject('power-levels-list-creator', 'The creators of the room have no level that could be set') : undefined
}

interface Change {
  readonly before: JsonObject
  readonly after: JsonObject
  readonly rules: RoomRules
  readonly sender: string
  readonly senderLevel: number
}

/** 10.6 For each of the named levels that was added, changed or removed. */
function namedChanges(change: Change): Refusal | undefined {
  for (const name of namedLevels) {
    const refusal = refuseChange(name, change.before[name], change.after[name], change)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** 10.7 and 10.8 For each entry of events, and since v6 of notifications, that was added, changed or removed. */
function listedChanges(change: Change): Refusal | undefined {
  for (const list of change.rules.auth.limitNotificationLevels ? ['events', 'notifications'] : ['events']) {
    for (const [key, before, after] of entriesOf(list, change)) {
      const refusal = refuseChange(`${list} ${key}`, before, after, change)
      if (refusal !== undefined) return refusal
    }
  }
  return undefined
}

/** 10.9 and 10.10 For each entry of users that was added, changed or removed. */
function userChanges(change: Change): Refusal | undefined {
  for (const [user, before, after] of entriesOf('users', change)) {
    const refusal = refuseChange(user, before, after, change)
    if (refusal !== undefined) return refusal
    // 10.9.1 Other than the sender's own entry: if the current value is equal to the sender's level, reject, too.
    const level = readLevel(before, change.rules)
    if (user !== change.sender && level === change.senderLevel && level !== readLevel(after, change.rules)) {
      return reject('power-levels-of-peer', `${user} has the same level as the sender`)
    }
  }
  return undefined
}

/** If the current or the new value is greater than the sender's level, reject; unchanged levels are no matter. */
function refuseChange(name: string, before: Json | undefined, after: Json | undefined, change: Change): Refusal | undefined {
  const { rules, senderLevel } = change
  const old = readLevel(before, rules)
  const next = readLevel(after, rules)
  // Until v9 only `users` is checked for its form above; what cannot be compared cannot be allowed.
  if (next === undefined && after !== undefined) return reject('power-levels-not-integer', `${name} is not a level`)
  if (old === next) return undefined
  if (old !== undefined && old > senderLevel)
    return reject('power-levels-current-above', `${name} is set above the sender's level`)
  if (next !== undefined && next > senderLevel)
    return reject('power-levels-new-above', `${name} would be above the sender's level`)
  return undefined
}

/** Every key of an object of levels before or after the change, with both its values. */
function* entriesOf(
  list: string,
  { before, after }: Change,
): Generator<[key: string, before: Json | undefined, after: Json | undefined]> {
  const old = new Map(Object.entries(objectAt(before, list) ?? {}))
  const next = new Map(Object.entries(objectAt(after, list) ?? {}))
  for (const [key, value] of next) yield [key, old.get(key), value]
  for (const [key, value] of old) if (!next.has(key)) yield [key, value, undefined]
}

function areLevels(value: Json | undefined, rules: RoomRules): value is JsonObject {
  return isJsonObject(value) && Object.values(value).every((level) => readLevel(level, rules) !== undefined)
}
