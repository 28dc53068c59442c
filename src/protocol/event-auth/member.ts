/** Rule 5 of the authorisation rules: `m.room.member`, one function a membership. Numbers are those of room version 12. */
import { isUserId, type ServerName, serverOf } from '../../../schemas/ids.ts'
import { stringAt } from '../../../schemas/json.ts'
import { creatorsOf, type PowerLevels } from '../power-levels.ts'
import type { CheckedEvent, StateLookup } from '../event.ts'
import { authoriseThirdPartyInvite } from './third-party-invite.ts'
import { allow, allowIf, type AuthVerdict, reject } from './verdict.ts'

/** A member event together with the state that it is checked against. */
interface Member {
  readonly event: CheckedEvent
  readonly state: StateLookup
  readonly create: CheckedEvent
  readonly levels: PowerLevels
  /** The state key: whose membership it is. */
  readonly target: string
}

/** The membership of a user in a state, or undefined where there never was one. */
export function membershipOf(state: StateLookup, user: string): string | undefined {
  const member = state('m.room.member', user)
  return member && stringAt(member.content, 'membership')
}

/**
 * 5.2 Since v8: the server that must have signed a member event validly, beside the sender's own, or undefined.
 * Who checks the signatures of a received event checks this one with them, and rejects the event without it;
 * the rules below take it for given, so that an event can be authorised before it is signed.
 */
export function authorisingServer(event: CheckedEvent): ServerName | undefined {
  if (event.type !== 'm.room.member' || !event.rules.auth.restrictedJoins) return undefined
  const authoriser = stringAt(event.content, 'join_authorised_via_users_server')
  return authoriser === undefined ? undefined : serverOf(authoriser)
}

export function authoriseMember(event: CheckedEvent, state: StateLookup, create: CheckedEvent, levels: PowerLevels): AuthVerdict {
  const { stateKey: target, content, rules } = event
  const membership = stringAt(content, 'membership')
  // 5.1 If there is no state_key property, or no membership property in content, reject.
  if (target === undefined || membership === undefined)
    return reject('member-malformed', 'A member event needs a state key and a membership')
  // 5.2 Since v8: without the signature of the authorising user's server, reject; what names no user has none.
  if (rules.auth.restrictedJoins && !namesAuthoriser(event))
    return reject('member-authoriser-unknown', 'The authorising user is not a user ID')
  if (event.unauthorised !== undefined) return reject('member-authoriser-has-not-signed', event.unauthorised)
  const member: Member = { event, state, create, levels, target }
  switch (membership) {
    case 'join':
      return authoriseJoin(member)
    case 'invite':
      return authoriseInvite(member)
    case 'leave':
      return authoriseLeave(member)
    case 'ban':
      return authoriseBan(member)
    case 'knock':
      if (rules.auth.knocking) return authoriseKnock(member)
  }
  // 5.8 Otherwise, the membership is unknown. Reject.
  return reject('member-unknown', 'There is no such membership in this room version')
}

function namesAuthoriser({ content }: CheckedEvent): boolean {
  if (!Object.hasOwn(content, 'join_authorised_via_users_server')) return true
  const authoriser = content['join_authorised_via_users_server']
  return typeof authoriser === 'string' && isUserId(authoriser)
}

/** 5.3 If membership is join. */
function authoriseJoin({ event, state, create, levels, target }: Member): AuthVerdict {
  // 5.3.1 If the only previous event is an m.room.create and the state_key is the creator, allow.
  if (isOnlyPrevious(create, event) && isCreator(create, target)) return allow
  // 5.3.2 If the sender does not match state_key, reject.
  if (event.sender !== target) return reject('join-for-another', 'Nobody can be made to join by somebody else')
  const current = membershipOf(state, target)
  // 5.3.3 If the sender is banned, reject.
  if (current === 'ban') return reject('join-banned', 'The user is banned from the room')
  const joinRule = joinRuleOf(state)
  const { auth } = event.rules
  const entered = current === 'invite' || current === 'join'
  // 5.3.4 If the join_rule is invite (since v7 also knock) then allow if membership state is invite or join.
  if (joinRule === 'invite' || (joinRule === 'knock' && auth.knocking))
    return allowIf(entered, 'join-not-invited', 'The user is not invited')
  // 5.3.5 Since v8: if the join_rule is restricted (since v10 also knock_restricted).
  if ((joinRule === 'restricted' && auth.restrictedJoins) || (joinRule === 'knock_restricted' && auth.knockRestricted)) {
    // 5.3.5.1 If membership state is join or invite, allow.
    if (entered) return allow
    // 5.3.5.2 If the authorising user may not invite other users or is not a joined member of the room, reject.
    return allowIf(mayAuthorise({ event, state, levels }), 'join-not-authorised', 'Nobody who may invite has authorised the join')
  }
  // 5.3.6 If the join_rule is public, allow. 5.3.7 Otherwise, reject.
  return allowIf(joinRule === 'public', 'join-rule', 'The join rule lets nobody in')
}

function isOnlyPrevious(create: CheckedEvent, event: CheckedEvent): boolean {
  return event.prevEvents.length === 1 && event.prevEvents[0] === create.eventId
}

/** Additional creators are not meant: the first to join is the one creator of old, since v11 the sender of the create event. */
function isCreator(create: CheckedEvent, user: string): boolean {
  return create.rules.auth.creatorInContent ? creatorsOf(create).has(user) : create.sender === user
}

/** The join rule of a state; without one, a room is for invited users. */
function joinRuleOf(state: StateLookup): string {
  const joinRules = state('m.room.join_rules', '')
  return joinRules === undefined ? 'invite' : (stringAt(joinRules.content, 'join_rule') ?? 'invite')
}

function mayAuthorise({ event, state, levels }: Pick<Member, 'event' | 'state' | 'levels'>): boolean {
  const authoriser = stringAt(event.content, 'join_authorised_via_users_server')
  return authoriser !== undefined && membershipOf(state, authoriser) === 'join' && levels.of(authoriser) >= levels.invite
}

/** 5.4 If membership is invite. */
function authoriseInvite({ event, state, levels, target }: Member): AuthVerdict {
  const current = membershipOf(state, target)
  // 5.4.1 If content has a third_party_invite property.
  if (Object.hasOwn(event.content, 'third_party_invite')) {
    // 5.4.1.1 If target user is banned, reject.
    if (current === 'ban') return reject('invite-banned', 'The user is banned from the room')
    return authoriseThirdPartyInvite(event, state)
  }
  // 5.4.2 If the sender's current membership state is not join, reject.
  if (membershipOf(state, event.sender) !== 'join') return reject('invite-sender-not-joined', 'The sender is not in the room')
  // 5.4.3 If target user's current membership state is join or ban, reject.
  if (current === 'join') return reject('invite-joined', 'The user is in the room already')
  if (current === 'ban') return reject('invite-banned', 'The user is banned from the room')
  // 5.4.4 If the sender's power level is greater than or equal to the invite level, allow. 5.4.5 Otherwise, reject.
  return allowIf(levels.of(event.sender) >= levels.invite, 'invite-power', 'The sender has not the level to invite')
}

/** 5.5 If membership is leave. */
function authoriseLeave({ event, state, levels, target }: Member): AuthVerdict {
  const own = membershipOf(state, event.sender)
  // 5.5.1 If the sender matches state_key, allow if and only if that user's membership is invite or join, or since v7 knock.
  if (event.sender === target) {
    const inside = own === 'invite' || own === 'join' || (own === 'knock' && event.rules.auth.knocking)
    return allowIf(inside, 'leave-not-inside', 'The user is neither in the room nor invited')
  }
  // 5.5.2 If the sender's current membership state is not join, reject.
  if (own !== 'join') return reject('kick-sender-not-joined', 'The sender is not in the room')
  const level = levels.of(event.sender)
  // 5.5.3 If the target user is banned, and the sender's power level is less than the ban level, reject.
  if (membershipOf(state, target) === 'ban' && level < levels.ban)
    return reject('unban-power', 'The sender has not the level to lift bans')
  // 5.5.4 If the sender's level is at least the kick level and above the target user's, allow. 5.5.5 Otherwise, reject.
  return allowIf(
    level >= levels.kick && levels.of(target) < level,
    'kick-power',
    'The sender has not the level to remove this user',
  )
}

/** 5.6 If membership is ban. */
function authoriseBan({ event, state, levels, target }: Member): AuthVerdict {
  // 5.6.1 If the sender's current membership state is not join, reject.
  if (membershipOf(state, event.sender) !== 'join') return reject('ban-sender-not-joined', 'The sender is not in the room')
  const level = levels.of(event.sender)
  // 5.6.2 If the sender's level is at least the ban level and above the target user's, allow. 5.6.3 Otherwise, reject.
  return allowIf(level >= levels.ban && levels.of(target) < level, 'ban-power', 'The sender has not the level to ban this user')
}

/** 5.7 Since v7: if membership is knock. */
function authoriseKnock({ event, state, target }: Member): AuthVerdict {
  const joinRule = joinRuleOf(state)
  // 5.7.1 If the join_rule is anything other than knock (or since v10 knock_restricted), reject.
  const open = joinRule === 'knock' || (joinRule === 'knock_restricted' && event.rules.auth.knockRestricted)
  if (!open) return reject('knock-join-rule', 'The join rule does not let users knock')
  // 5.7.2 If sender does not match state_key, reject.
  if (event.sender !== target) return reject('knock-for-another', 'Nobody can knock for somebody else')
  // 5.7.3 If the sender's current membership is not ban, invite, or join, allow. 5.7.4 Otherwise, reject.
  const current = membershipOf(state, target)
  return allowIf(
    current !== 'ban' && current !== 'invite' && current !== 'join',
    'knock-membership',
    'The user is banned, invited or in the room',
  )
}
