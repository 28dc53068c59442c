/**
 * The authorisation rules: may this event be sent in this state of the room?
 * https://spec.matrix.org/v1.19/server-server-api/#authorisation-rules and the section of that name of each room
 * version. Comments here give the numbers of room version 12; where older versions differ, they say so.
 */
import { serverOf } from '../../../schemas/ids.ts'
import { authStateKeys } from '../auth-events.ts'
import type { CheckedEvent, EventId, RoomId, StateLookup } from '../event.ts'
import { powerLevelsFrom } from '../power-levels.ts'
import { stateMapKey } from '../state-map.ts'
import { authoriseCreate } from './create.ts'
import { authoriseMember } from './member.ts'
import { authoriseAliases, authoriseOther } from './other.ts'
import { allow, type AuthVerdict, reject } from './verdict.ts'

export { authorisingServer, membershipOf } from './member.ts'
export { redactionApplies } from './other.ts'
export type { AuthVerdict, Refusal } from './verdict.ts'

/**
 * The rules that depend on the state (1, 2 and 4 to 11).
 * @param state what holds before the event: the state at its prev_events, the current state, or what its auth_events
 *   give (see `lookupIn`). It must give the create event in every room version, also where auth_events lack it.
 */
export function authorise(event: CheckedEvent, state: StateLookup): AuthVerdict {
  // 1. If type is m.room.create.
  if (event.type === 'm.room.create') return authoriseCreate(event)
  const create = state('m.room.create', '')
  // 2. Since v12, and by rule 2.4 in effect before: without an accepted create event of this room, reject.
  if (create === undefined || create.roomId !== event.roomId) return reject('no-create', 'The room has no create event')
  // 4. If m.federate of the create event is false, and the sender's domain is not that of the create event's sender, reject.
  if (create.content['m.federate'] === false && serverOf(event.sender) !== serverOf(create.sender)) {
    return reject('not-federated', 'The room is not federated')
  }
  // 4. until v5: if type is m.room.aliases.
  if (event.type === 'm.room.aliases' && event.rules.auth.specialCaseAliases) return authoriseAliases(event)
  const levels = powerLevelsFrom(state('m.room.power_levels', ''), create, event.rules)
  // 5. If type is m.room.member.
  if (event.type === 'm.room.member') return authoriseMember(event, state, create, levels)
  return authoriseOther(event, state, create, levels)
}

/** An event out of `auth_events`, and whether it was itself rejected when it was received. */
export interface AuthEntry {
  readonly event: CheckedEvent
  readonly rejected: boolean
}

/** Rule 3 (2 until v11): what an event may list as its `auth_events`. All that it lists must be in `entries`. */
export function checkAuthEvents(event: CheckedEvent, entries: readonly AuthEntry[]): AuthVerdict {
  // 1.5 A create event that passes rule 1 is allowed without a look at rule 3.
  if (event.type === 'm.room.create') return allow
  const expected = new Set(authStateKeys(event, event.rules).map((key) => stateMapKey(key.type, key.stateKey)))
  const found = new Set<string>()
  for (const entry of entries) {
    const { type, stateKey, roomId } = entry.event
    const key = stateKey === undefined ? undefined : stateMapKey(type, stateKey)
    // 3.2 If there are entries that the auth events selection does not specify, reject.
    if (key === undefined || !expected.has(key))
      return reject('auth-events-extra', `An auth event of type ${type} is not called for`)
    // 3.1 If there are duplicate entries for a given type and state_key pair, reject.
    if (found.has(key)) return reject('auth-events-duplicate', `Two auth events are of type ${type} for the same state key`)
    // 3.3 If there are entries which were themselves rejected, reject.
    if (entry.rejected) return reject('auth-events-rejected', `The auth event ${entry.event.eventId} was rejected`)
    // 3.5 If any event in auth_events has a room_id which does not match that of the event, reject.
    if (roomId !== event.roomId)
      return reject('auth-events-of-another-room', `The auth event ${entry.event.eventId} is of another room`)
    found.add(key)
  }
  // 2.4 until v11: if there is no m.room.create event among the entries, reject.
  if (event.rules.auth.createInAuthEvents && !found.has(stateMapKey('m.room.create', ''))) {
    return reject('auth-events-lack-create', 'The auth events lack the create event')
  }
  return allow
}

/** The id of the create event of a room of version 12 or later. */
export function createEventIdOf(roomId: RoomId): EventId {
  return `$${roomId.slice(1)}` as EventId
}
