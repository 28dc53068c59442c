import type { TypingUsers } from '../../streams/typing.ts'
import type { SyncTurn } from '../request.ts'

/** What one stream has to say about a room. */
export interface RoomNews {
  /** Events as the members of a JSON array; empty for none. */
  readonly text: string
  /** Worth an answer by itself. */
  readonly isNews: boolean
}

export const NO_NEWS: RoomNews = { text: '', isNews: false }

/** The `m.typing` of a room. https://spec.matrix.org/v1.19/client-server-api/#mtyping */
export function typingNews(typing: TypingUsers, turn: SyncTurn, roomNid: number, isNew: boolean): RoomNews {
  if (!turn.filter.ephemeral.passes({ type: 'm.typing' })) return NO_NEWS
  const users = typing.in(roomNid).filter((userId) => !turn.ignored.has(userId))
  // That nobody types any more is told too: clients know nothing of a room where it was never said.
  if (isNew || turn.since === undefined) return users.length > 0 || typing.hasChanged(roomNid) ? newsOf(users, true) : NO_NEWS
  if (!typing.mayHaveChanged(roomNid, turn.since)) return NO_NEWS
  // What was there before the start is forgotten: clients are told when they hear of the room anyway.
  return newsOf(users, typing.covers(turn.since))
}

function newsOf(users: readonly string[], isNews: boolean): RoomNews {
  return { text: `{"type":"m.typing","content":{"user_ids":${JSON.stringify(users)}}}`, isNews }
}
