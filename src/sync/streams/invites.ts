import { type JsonObject, stringAt } from '../../../schemas/json.ts'
import type { MembershipRecord, Memberships } from '../../storage/memberships.ts'
import type { SyncTurn } from '../request.ts'

/**
 * The section of a room that the reader is invited to, or has knocked on, as JSON text; undefined where the reader is not to
 * hear of it. https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export async function strippedRoom(
  memberships: Memberships,
  turn: SyncTurn,
  record: MembershipRecord,
): Promise<string | undefined> {
  const { reader, ignored } = turn
  const state = await memberships.strippedState(record.roomNid, record.userNid)
  // Servers must not send room invites from ignored users to clients.
  if (record.membership === 'invite' && ignored.size > 0 && ignored.has(inviterOf(state, reader.userId) ?? '')) return undefined
  const member = record.membership === 'invite' ? 'invite_state' : 'knock_state'
  return `{"${member}":{"events":${JSON.stringify(state)}}}`
}

function inviterOf(state: readonly JsonObject[], userId: string): string | undefined {
  const own = state.find((event) => event['type'] === 'm.room.member' && event['state_key'] === userId)
  return own && stringAt(own, 'sender')
}
