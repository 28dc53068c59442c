import type { StrippedStates } from '../../rooms/stripped-state.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { InvitePermissions } from '../../users/invite-permissions.ts'
import type { SyncTurn } from '../request.ts'

export interface StrippedRoomParts {
  strippedStates: StrippedStates
  invitePermissions: Pick<InvitePermissions, 'hides'>
}

/**
 * The section of a room that the reader is invited to, or has knocked on, as JSON text; undefined where the reader is not to
 * hear of it.
 */
export async function strippedRoom(
  { strippedStates, invitePermissions }: StrippedRoomParts,
  { reader, ignored }: SyncTurn,
  record: MembershipRecord,
): Promise<string | undefined> {
  const { state, member } = await strippedStates.of(record)
  if (record.membership === 'invite' && (await invitePermissions.hides(reader.userNid, member.sender, ignored))) return undefined
  const name = record.membership === 'invite' ? 'invite_state' : 'knock_state'
  return `{"${name}":{"events":${JSON.stringify(state)}}}`
}
