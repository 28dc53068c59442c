/** The authorisation rules for all but create and member events. Numbers are those of room version 12. */
import { serverOf } from '../../../schemas/ids.ts'
import type { CheckedEvent, StateLookup } from '../event.ts'
import type { PowerLevels } from '../power-levels.ts'
import { membershipOf } from './member.ts'
import { authorisePowerLevels } from './power-levels.ts'
import { allow, allowIf, type AuthVerdict, reject } from './verdict.ts'

/** Rule 4 until v5: `m.room.aliases` needs no more than to be of the sender's server. */
export function authoriseAliases(event: CheckedEvent): AuthVerdict {
  // If event has no state_key, reject.
  if (event.stateKey === undefined) return reject('aliases-without-state-key', 'Aliases need the server as their state key')
  // If sender's domain doesn't match state_key, reject. Otherwise, allow.
  return allowIf(
    event.stateKey === serverOf(event.sender),
    'aliases-of-foreign-server',
    'The aliases are of another server than the sender',
  )
}

/** Rules 6 to 11. */
export function authoriseOther(event: CheckedEvent, state: StateLookup, create: CheckedEvent, levels: PowerLevels): AuthVerdict {
  const { type, sender, stateKey, rules } = event
  // 6. If the sender's current membership state is not join, reject.
  if (membershipOf(state, sender) !== 'join') return reject('sender-not-joined', 'The sender is not in the room')
  const level = levels.of(sender)
  // 7. If type is m.room.third_party_invite: allow if and only if the sender's level is at least the invite level.
  if (type === 'm.room.third_party_invite') {
    return allowIf(level >= levels.invite, 'third-party-invite-power', 'The sender has not the level to invite')
  }
  // 8. If the event type's required power level is greater than the sender's power level, reject.
  if (levels.toSend(type, stateKey !== undefined) > level)
    return reject('event-power', `The sender has not the level to send ${type}`)
  // 9. If the event has a state_key that starts with an @ and does not match the sender, reject.
  if (stateKey?.startsWith('@') && stateKey !== sender) return reject('state-of-another-user', 'The state key is another user')
  // 10. If type is m.room.power_levels.
  if (type === 'm.room.power_levels') return authorisePowerLevels(event, state('m.room.power_levels', ''), create, level)
  // 11. until v2: if type is m.room.redaction.
  if (type === 'm.room.redaction' && rules.auth.redactionsNeedPower) return authoriseRedaction(event, level, levels)
  // 11. Otherwise, allow.
  return allow
}

function authoriseRedaction(event: CheckedEvent, level: number, levels: PowerLevels): AuthVerdict {
  // If the sender's power level is greater than or equal to the redact level, allow.
  if (level >= levels.redact) return allow
  // If the event being redacted has the domain of the redaction in its event_id, allow. Otherwise, reject.
  const own = event.redacts !== undefined && serverOf(event.redacts) === serverOf(event.eventId)
  return allowIf(own, 'redaction-power', 'The sender has not the level to redact what is of another server')
}

/**
 * Whether a redaction that was accepted is to be carried out. Since version 3 that is no matter of authorisation, and
 * may have to wait for the event that it is about.
 * https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
 * @param levels those before the redaction
 */
export function redactionApplies(redaction: CheckedEvent, target: CheckedEvent, levels: PowerLevels): boolean {
  if (redaction.roomId !== target.roomId || redaction.redacts !== target.eventId) return false
  // Until v2 the authorisation rules have decided.
  if (redaction.rules.auth.redactionsNeedPower) return true
  // 1. The power level of the redaction event's sender is greater than or equal to the redact level, or
  // 2. the domain of the redaction event's sender matches that of the original event's sender.
  return levels.of(redaction.sender) >= levels.redact || serverOf(redaction.sender) === serverOf(target.sender)
}
