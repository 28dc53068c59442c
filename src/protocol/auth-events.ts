/**
 * Which state gives a sender the permission to send an event.
 * https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 */
import { objectAt, stringAt } from '../../schemas/json.ts'
import type { Event, StateKey } from './event.ts'
import type { RoomRules } from './room-versions.ts'

/** What the selection depends on; an event that is still to be built has no more. */
export type AuthSubject = Pick<Event, 'type' | 'stateKey' | 'sender' | 'content'>

/**
 * The (type, state key) pairs whose current events, where there are any, make up `auth_events` of an event.
 * Each pair comes once; none for an `m.room.create`.
 */
export function authStateKeys(event: AuthSubject, rules: RoomRules): StateKey[] {
  if (event.type === 'm.room.create') return []
  const keys: StateKey[] = []
  if (rules.auth.createInAuthEvents) keys.push({ type: 'm.room.create', stateKey: '' })
  keys.push({ type: 'm.room.power_levels', stateKey: '' })
  const members = new Set<string>([event.sender])
  if (event.type === 'm.room.member' && event.stateKey !== undefined) {
    members.add(event.stateKey)
    const authoriser = authorisingUser(event, rules)
    if (authoriser !== undefined) members.add(authoriser)
    keys.push(...otherKeysOfMember(event))
  }
  for (const stateKey of members) keys.push({ type: 'm.room.member', stateKey })
  return keys
}

function otherKeysOfMember(event: AuthSubject): StateKey[] {
  const membership = stringAt(event.content, 'membership')
  const keys: StateKey[] = []
  // If membership is join, invite or knock, the current m.room.join_rules event.
  if (membership === 'join' || membership === 'invite' || membership === 'knock') {
    keys.push({ type: 'm.room.join_rules', stateKey: '' })
  }
  // If membership is invite and content contains a third_party_invite, the event with that token as its state key.
  const token = membership === 'invite' ? thirdPartyToken(event) : undefined
  if (token !== undefined) keys.push({ type: 'm.room.third_party_invite', stateKey: token })
  return keys
}

function thirdPartyToken(event: AuthSubject): string | undefined {
  const signed = objectAt(objectAt(event.content, 'third_party_invite') ?? {}, 'signed')
  return signed === undefined ? undefined : stringAt(signed, 'token')
}

/** If membership is join, `join_authorised_via_users_server` where the room version knows restricted rooms. */
function authorisingUser(event: AuthSubject, rules: RoomRules): string | undefined {
  if (!rules.auth.restrictedJoins || stringAt(event.content, 'membership') !== 'join') return undefined
  return stringAt(event.content, 'join_authorised_via_users_server')
}
