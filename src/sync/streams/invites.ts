import type { StrippedStates } from '../../rooms/stripped-state.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { SyncTurn } from '../request.ts'

/**
 * The section of a room that the reader is invited to, or has knocked on, as JSON text; undefined where the reader is not to
 * hear of it.
 */
export async function strippedRoom(
  strippedStates: StrippedStates,
  turn: SyncTurn,
  record: MembershipRecord,
): Promise<string | undefined> {
  const { state, member } = await strippedStates.of(record)
  // Servers must not send room invites from ignored users to clients.
  if (record.membership === 'invite' && turn.ignored.has(member.sender)) return undefined
  const name = record.membership === 'invite' ? 'invite_state' : 'knock_state'
  return `{"${name}":{"events":${JSON.stringify(state)}}}`
}
