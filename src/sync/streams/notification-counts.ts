import type { MembershipRecord } from '../../storage/memberships.ts'
import { MAIN } from '../../rooms/threads.ts'
import type { UnreadCounts } from '../../rooms/unread-counts.ts'
import type { Counts, UnreadEvents } from '../../rooms/unread-events.ts'
import type { SyncTurn } from '../request.ts'

const NONE: Counts = { notifications: 0, highlights: 0 }
const NOTHING_UNREAD = `"unread_notifications":${textOf(NONE)}`

/** The unread counts of a room, as members of its section. https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications */
export async function notificationCounts(unreadCounts: UnreadCounts, turn: SyncTurn, record: MembershipRecord): Promise<string> {
  return countsText(turn, await unreadCounts.of(turn.reader, record, turn.upTo))
}

/** Unread events as those counts that a filter asks for. */
export function countsText({ filter }: Pick<SyncTurn, 'filter'>, unread: UnreadEvents): string {
  if (unread.isEmpty) return NOTHING_UNREAD
  if (!filter.timeline.unreadThreadNotifications) return `"unread_notifications":${textOf(unread.total())}`
  const threads = unread.byThread()
  const others: string[] = []
  for (const [root, counts] of threads) if (root !== MAIN) others.push(`${JSON.stringify(root)}:${textOf(counts)}`)
  return `"unread_notifications":${textOf(threads.get(MAIN) ?? NONE)},"unread_thread_notifications":{${others.join(',')}}`
}

function textOf({ notifications, highlights }: Counts): string {
  return `{"highlight_count":${highlights},"notification_count":${notifications}}`
}
