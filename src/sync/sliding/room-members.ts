import type { StoredEvent } from '../../storage/stored-event.ts'
import { type LazyMembers, membersOf } from '../lazy-members.ts'
import type { SentRoom } from './connections.ts'
import type { Draft } from './room-drafts.ts'
import type { RoomTurn } from './room-results.ts'

/**
 * The members whom a client needs to show a timeline: who has sent something, and who has come, gone or been renamed in it;
 * without those that it has.
 */
export async function neededMembers(
  { lazyMembers }: { lazyMembers: LazyMembers },
  { room, scoped, connection }: RoomTurn,
  { content, state, syncTurn, isExpanded }: Draft,
  known: SentRoom | undefined,
): Promise<StoredEvent[]> {
  if (!scoped.config.requiredState.lazyMembers) return []
  // What is remembered belongs to this connection. An older timeline may be asked for again at the same position.
  const since = isExpanded ? undefined : known?.upTo
  const turn = { ...syncTurn, filter: { ...syncTurn.filter, id: -connection.number }, since }
  if (!known) lazyMembers.forget(turn, room.nid)
  const given = new Set(state.map(({ nid }) => nid))
  const members = await lazyMembers.needed(turn, room.nid, content.endRoot, membersOf(content.timeline.events), given)
  lazyMembers.remember(turn, room.nid, [...state, ...members])
  return members
}
