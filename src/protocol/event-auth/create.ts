/** Rule 1 of the authorisation rules: `m.room.create`. Numbers are those of room version 12. */
import { isUserId, serverOf } from '../../../schemas/ids.ts'
import type { Json } from '../../../schemas/json.ts'
import type { CheckedEvent } from '../event.ts'
import { roomRules } from '../room-versions.ts'
import { allow, type AuthVerdict, reject } from './verdict.ts'

export function authoriseCreate(event: CheckedEvent): AuthVerdict {
  const { rules, content } = event
  // 1.1 If it has any prev_events, reject.
  if (event.prevEvents.length > 0) return reject('create-has-prev-events', 'A create event comes first in its room')
  // 1.2 Until v11: if the domain of the room_id does not match the domain of the sender, reject.
  if (!rules.roomIdIsCreateHash && serverOf(event.roomId) !== serverOf(event.sender)) {
    return reject('create-of-foreign-room', 'The room ID is of another server than the sender')
  }
  // 1.2 Since v12: if the event has a room_id, reject.
  if (rules.roomIdIsCreateHash && event.pdu && Object.hasOwn(event.pdu, 'room_id')) {
    return reject('create-has-room-id', 'A create event of this room version has no room ID')
  }
  // 1.3 If content.room_version is present and is not a recognised version, reject.
  if (Object.hasOwn(content, 'room_version') && !isKnownVersion(content['room_version'])) {
    return reject('create-version-unknown', 'The room version is not known')
  }
  // Until v10: if content has no creator property, reject.
  if (rules.auth.creatorInContent && !Object.hasOwn(content, 'creator')) {
    return reject('create-lacks-creator', 'The create event names no creator')
  }
  // 1.4 Since v12: additional_creators, if present, is an array of strings that are valid user IDs.
  if (
    rules.auth.privilegedCreators &&
    Object.hasOwn(content, 'additional_creators') &&
    !areUserIds(content['additional_creators'])
  ) {
    return reject('create-additional-creators', 'additional_creators is not a list of user IDs')
  }
  // 1.5 Otherwise, allow.
  return allow
}

function isKnownVersion(version: Json | undefined): boolean {
  return typeof version === 'string' && roomRules(version) !== undefined
}

function areUserIds(list: Json | undefined): boolean {
  return Array.isArray(list) && list.every((entry) => typeof entry === 'string' && isUserId(entry))
}
