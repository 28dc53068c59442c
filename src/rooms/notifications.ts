/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications */
import { scheduler } from 'node:timers/promises'
import type { PushOutcome } from '../protocol/push-rules.ts'
import type { Database } from '../storage/database.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { TimelineEntry } from '../storage/timelines.ts'
import type { InvitePermissions } from '../users/invite-permissions.ts'
import type { RulesOwner } from '../users/push-rules.ts'
import { lastStay, type LastStayParts } from './last-stay.ts'
import type { UnreadCounts } from './unread-counts.ts'

/** How many events one request looks at: users whom little notifies get few with each, and a position to go on from. */
const MAX_SCANNED = 1_000
/** So many events of a room are read at once. */
const CHUNK = 50
/** Whom the user ignores, the push rules know already. */
const NOBODY: ReadonlySet<string> = new Set()

export interface NotificationsParts extends LastStayParts {
  db: Pick<Database, 'position'>
  memberships: Memberships
  unreadCounts: Pick<UnreadCounts, 'of' | 'outcome'>
  invitePermissions: Pick<InvitePermissions, 'hides'>
}

/** An event that the user was, or would have been, notified about. */
export interface Notification {
  readonly event: StoredEvent
  readonly actions: PushOutcome['actions']
  readonly isRead: boolean
}

export interface NotificationsRequest {
  /** The position to start at, going backwards. */
  readonly upTo: number
  readonly limit: number
  readonly highlightsOnly: boolean
}

/** Where a room is being read. */
interface Cursor {
  readonly record: MembershipRecord
  /** No event that is still to come has a later position. */
  upTo: number
  /** Read ahead, the newest first. */
  entries: TimelineEntry[]
}

/** A room that the user has left: where the stay began and ended is found out when it is its turn. */
interface LeftRoom {
  readonly left: MembershipRecord
  readonly upTo: number
}

interface Found extends Cursor {
  readonly entry: TimelineEntry
}

/**
 * What users are notified about is not written down, which would take a row for each event and member: when somebody asks, the
 * timelines of their rooms are read backwards, all at once, and the push rules of today decide.
 */
export class Notifications {
  readonly #parts: NotificationsParts

  constructor(parts: NotificationsParts) {
    this.#parts = parts
  }

  /** The newest first; `next` is the position to go on from, undefined where there is nothing more. */
  async page(
    user: RulesOwner,
    { upTo, limit, highlightsOnly }: NotificationsRequest,
  ): Promise<{ notifications: Notification[]; next: number | undefined }> {
    const notifications: Notification[] = []
    let scanned = 0
    for await (const { record, entry } of this.#backwards(user, upTo)) {
      if (notifications.length === limit || scanned === MAX_SCANNED) return { notifications, next: entry.position }
      const notification = await this.#look(user, record, entry, highlightsOnly)
      if (notification) notifications.push(notification)
      if (++scanned % CHUNK === 0) await scheduler.yield()
    }
    return { notifications, next: undefined }
  }

  async #look(
    user: RulesOwner,
    record: MembershipRecord,
    { nid }: TimelineEntry,
    highlightsOnly: boolean,
  ): Promise<Notification | undefined> {
    const { db, events, unreadCounts } = this.#parts
    const event = await events.get(nid)
    if (record.membership === 'invite' && (await this.#parts.invitePermissions.hides(user.userNid, event.sender, NOBODY)))
      return undefined
    const outcome = await unreadCounts.outcome(user, record, event)
    if (!outcome?.notify || (highlightsOnly && !outcome.highlight)) return undefined
    // An invite is there until it is answered.
    const isRead = record.membership === 'join' && !(await unreadCounts.of(user, record, db.position)).has(nid)
    return { event, actions: outcome.actions, isRead }
  }

  /** The events of all rooms of a user, from when the user came until the user left, and the invites of others, the newest first. */
  async *#backwards(user: RulesOwner, upTo: number): AsyncGenerator<Pick<Found, 'record' | 'entry'>> {
    const cursors = await this.#cursors(user.userNid, upTo)
    for (let cursor = cursors.shift(); cursor; cursor = cursors.shift()) {
      if ('left' in cursor) {
        const stay = await lastStay(this.#parts, user.userId, cursor.left)
        if (stay) insert(cursors, { record: stay.record, upTo: Math.min(stay.end, cursor.upTo), entries: [] })
        continue
      }
      const { record } = cursor
      if (cursor.entries.length === 0) cursor.entries = await this.#read(cursor)
      const [entry, after] = cursor.entries
      if (!entry) continue
      const isNewest = entry.position >= (cursors[0]?.upTo ?? 0)
      if (isNewest) {
        yield { record, entry }
        cursor.entries.shift()
        cursor.upTo = after?.position ?? entry.position - 1
      } else cursor.upTo = entry.position
      insert(cursors, cursor)
    }
  }

  async #cursors(userNid: number, upTo: number): Promise<(Cursor | LeftRoom)[]> {
    const { memberships, timelines } = this.#parts
    const cursors: (Cursor | LeftRoom)[] = []
    for (const record of (await memberships.ofUser(userNid)).values()) {
      const { membership, position, eventNid } = record
      if (membership === 'invite' && position <= upTo)
        cursors.push({ record, upTo: position, entries: [{ position, nid: eventNid }] })
      if ((membership === 'leave' || membership === 'ban') && !record.forgotten)
        cursors.push({ left: record, upTo: Math.min(position, upTo) })
      if (membership !== 'join') continue
      const last = Math.min((await timelines.last(record.roomNid)) ?? 0, upTo)
      if (last > record.began) cursors.push({ record, upTo: last, entries: [] })
    }
    return cursors.sort((a, b) => b.upTo - a.upTo)
  }

  async #read({ record: { roomNid, began, membership }, upTo }: Cursor): Promise<TimelineEntry[]> {
    const { timelines, events } = this.#parts
    if (membership === 'invite') return []
    const entries = await timelines.backwards(roomNid, began, upTo, CHUNK)
    await events.byNids(entries.map(({ nid }) => nid))
    return entries
  }
}

/** Puts a cursor back into its place among those that are ordered by position. */
function insert(cursors: (Cursor | LeftRoom)[], cursor: Cursor): void {
  const index = cursors.findIndex(({ upTo }) => upTo <= cursor.upTo)
  cursors.splice(index === -1 ? cursors.length : index, 0, cursor)
}
