import { RecentCache } from '../core/recent-cache.ts'
import type { EventId } from '../../schemas/ids.ts'
import { stringAt } from '../../schemas/json.ts'
import {
  type CompiledPushRules,
  evaluatePushRules,
  type PushOutcome,
  type PushReader,
  type PushSubject,
} from '../protocol/push-rules.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord } from '../storage/memberships.ts'
import type { ReceiptsTable } from '../storage/receipts.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { ThreadSubscriptionsTable } from '../storage/thread-subscriptions.ts'
import type { TimelineEntry, Timelines } from '../storage/timelines.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'
import type { PushRules, RulesOwner } from '../users/push-rules.ts'
import type { PushSubjects } from './push-subjects.ts'
import { MAIN, threadOf } from './threads.ts'
import { type UnreadEvent, UnreadEvents } from './unread-events.ts'

export interface UnreadCountsParts {
  events: Events
  timelines: Timelines
  receipts: ReceiptsTable
  ignoredUsers: IgnoredUsers
  pushRules: PushRules
  pushSubjects: PushSubjects
  threadSubscriptionsTable: ThreadSubscriptionsTable
}

/** How many events are looked at, at most, to find out what is unread: counts stop there. */
const MAX_SCAN = 500

/** More new events than this are not looked at for many readers at once. */
const MAX_NEWS = 20

/** New events of a room as push rules look at them, for all of its readers: nothing is left to wait for. */
export interface UnreadNews {
  /** Whoever has counted up to here has counted all that came before. */
  readonly from: number
  readonly after: number
  readonly upTo: number
  readonly events: readonly {
    readonly event: StoredEvent
    readonly subject: PushSubject
    /** Nids of all who are subscribed to the thread; undefined where it is in none. */
    readonly subscribers: ReadonlySet<number> | undefined
    /** What it is for those whom it notifies. */
    readonly quiet: UnreadEvent
    readonly loud: UnreadEvent
  }[]
}

/** What is known of one user's unread events in one room. */
interface Known {
  /** Looked at up to this position. */
  upTo: number
  /** The user's receipts up to this position are applied. */
  receiptsUpTo: number
  /** Whom the user ignored up to that position. */
  ignored: ReadonlySet<string>
  ignoredUpTo: number
  readonly unread: UnreadEvents
}

/** Of one stay: what came before it does not count, nor what the user was told in an earlier one. */
const keyOf = ({ userNid }: RulesOwner, { roomNid, began }: MembershipRecord): string => `${userNid} ${roomNid} ${began}`

/** Counts one user's unread events of one room on, without waiting for anything. */
export class UnreadCursor {
  readonly #known: Known
  readonly #rules: CompiledPushRules
  readonly #userNid: number
  readonly #reader: PushReader

  constructor(known: Known, rules: CompiledPushRules, userNid: number, reader: PushReader) {
    this.#known = known
    this.#rules = rules
    this.#userNid = userNid
    this.#reader = reader
  }

  /** What is unread at the end of some news, none of which the user has sent; undefined where others come before them. */
  next(news: UnreadNews): UnreadEvents | undefined {
    const known = this.#known
    if (known.upTo < news.from || known.upTo > news.after) return undefined
    for (const { event, subject, subscribers, quiet, loud } of news.events) {
      const reader = subscribers ? { ...this.#reader, isSubscribed: subscribers.has(this.#userNid) } : this.#reader
      const { notify, highlight } = evaluatePushRules(this.#rules, subject, reader)
      if (notify && !event.redacted) known.unread.add(highlight ? loud : quiet)
    }
    known.upTo = news.upTo
    return known.unread
  }
}

/**
 * How many events of a room would notify a user who has not read them. Nothing is done when an event is sent: it is looked at
 * when the user syncs, once, and the result is continued with what comes next.
 * https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
 */
export class UnreadCounts {
  readonly #parts: UnreadCountsParts
  readonly #known = new RecentCache<string, Known>(50_000)

  constructor(parts: UnreadCountsParts) {
    this.#parts = parts
  }

  /** The counts at a position: of the room as a whole, and of each of its threads (`main` for what is in none). */
  async of(user: RulesOwner, record: MembershipRecord, upTo: number): Promise<UnreadEvents> {
    const key = keyOf(user, record)
    const before = this.#known.get(key)
    const isValid = before !== undefined && (await this.#ignoresTheSame(user, before, upTo))
    const known = isValid ? before : await this.#begin(user, record)
    this.#known.set(key, known)
    if (this.#parts.receipts.changedByUserAt(user.userNid) > known.receiptsUpTo)
      await this.#applyReceipts(user, record.roomNid, known)
    if (upTo > known.upTo) await this.#continue(user, record, known, upTo)
    return known.unread
  }

  /** The events of a room with `after < position <= upTo`; undefined where there are many, or such as change what was counted before. */
  async news(roomNid: number, after: number, upTo: number): Promise<UnreadNews | undefined> {
    const { timelines, events, pushSubjects } = this.#parts
    const entries = await timelines.backwards(roomNid, Number.MIN_SAFE_INTEGER, upTo, MAX_NEWS + 1)
    const from = entries.find(({ position }) => position <= after)?.position
    if (from === undefined) return undefined
    const fresh: UnreadNews['events'][number][] = []
    for (const { nid, position } of entries.filter((entry) => entry.position > after).toReversed()) {
      const event = await events.get(nid)
      if (event.type === 'm.room.redaction') return undefined
      const thread = await threadOf(event, events)
      const subscribers = await this.#subscribers(event, thread)
      const quiet = { nid, position, thread, highlight: false }
      fresh.push({ event, subject: await pushSubjects.of(event), subscribers, quiet, loud: { ...quiet, highlight: true } })
    }
    return { from, after, upTo, events: fresh }
  }

  /** For a user who ignores nobody, to go on from one news to the next; it is good until the user does something. */
  async cursor(user: RulesOwner, record: MembershipRecord, upTo: number): Promise<UnreadCursor> {
    const { pushRules, events } = this.#parts
    await this.of(user, record, upTo)
    const known = this.#known.get(keyOf(user, record)) ?? (await this.#begin(user, record))
    const displayName = stringAt((await events.get(record.eventNid)).content, 'displayname')
    return new UnreadCursor(known, await pushRules.compiled(user), user.userNid, { displayName })
  }

  async #begin(user: RulesOwner, record: MembershipRecord): Promise<Known> {
    // What came before the user does not count.
    const ignored = await this.#parts.ignoredUsers.of(user.userNid)
    const known = { upTo: record.began, receiptsUpTo: -1, ignored, ignoredUpTo: 0, unread: new UnreadEvents() }
    await this.#applyReceipts(user, record.roomNid, known)
    known.upTo = Math.max(record.began, known.unread.readUpTo)
    return known
  }

  /** What was counted of somebody who is ignored now, or was not since they were, is to be counted anew. */
  async #ignoresTheSame({ userNid }: RulesOwner, known: Known, upTo: number): Promise<boolean> {
    const { ignoredUsers } = this.#parts
    if (!ignoredUsers.mayHaveChanged(userNid, known.ignoredUpTo)) return true
    if ((await ignoredUsers.of(userNid)) !== known.ignored) return false
    known.ignoredUpTo = Math.max(known.ignoredUpTo, upTo)
    return true
  }

  async #applyReceipts(user: RulesOwner, roomNid: number, known: Known): Promise<void> {
    const { receipts } = this.#parts
    const changedAt = receipts.changedByUserAt(user.userNid)
    for (const { thread, eventPosition } of await receipts.ofUser(roomNid, user.userNid))
      if (eventPosition !== undefined) known.unread.read(thread, eventPosition)
    known.receiptsUpTo = changedAt
  }

  async #continue(user: RulesOwner, record: MembershipRecord, known: Known, upTo: number): Promise<void> {
    const { timelines, events } = this.#parts
    const from = known.upTo
    const entries = await timelines.backwards(record.roomNid, from, upTo, MAX_SCAN)
    const stored = await events.byNids(entries.map(({ nid }) => nid))
    const noted: (() => void)[] = []
    for (const entry of entries.toReversed()) {
      const event = stored.get(entry.nid)
      const note = event && (await this.#look(user, record, known.unread, entry, event))
      if (note) noted.push(note)
    }
    // Another request of the user's may have looked at the same events meanwhile.
    if (known.upTo !== from) return
    for (const note of noted) note()
    known.upTo = upTo
  }

  /** What an event does to the counts: nothing, add to them, or take back what was read or redacted. */
  async #look(
    user: RulesOwner,
    record: MembershipRecord,
    unread: UnreadEvents,
    entry: TimelineEntry,
    event: StoredEvent,
  ): Promise<(() => void) | undefined> {
    const { events } = this.#parts
    if (event.type === 'm.room.redaction') {
      const target = event.head.redacts ?? stringAt(event.content, 'redacts')
      const redacted = target === undefined ? undefined : await events.byId(target as EventId)
      if (redacted?.redacted) return () => unread.forget(redacted.nid)
    }
    if (event.senderNid === user.userNid) {
      if (event.isState) return undefined
      // When the user updates their read receipt (either by using the API or by sending an event), what came before is read.
      const thread = await threadOf(event, events)
      return () => unread.read(thread, entry.position)
    }
    const outcome = await this.outcome(user, record, event)
    if (!outcome?.notify) return undefined
    const thread = await threadOf(event, events)
    return () => unread.add({ nid: event.nid, position: entry.position, thread, highlight: outcome.highlight })
  }

  /** What the user's push rules ask for; undefined for what is redacted, or of somebody whom the user ignores. */
  async outcome(user: RulesOwner, record: MembershipRecord, event: StoredEvent): Promise<PushOutcome | undefined> {
    const { pushRules, pushSubjects, ignoredUsers, events } = this.#parts
    if (event.redacted || (await ignoredUsers.of(user.userNid)).has(event.sender)) return undefined
    const rules = await pushRules.compiled(user)
    const subject = await pushSubjects.of(event)
    const member = events.cached(record.eventNid) ?? (await events.get(record.eventNid))
    const displayName = stringAt(member.content, 'displayname')
    const isSubscribed = rules.asksForThreads ? await this.#isSubscribed(user, event) : undefined
    return evaluatePushRules(rules, subject, { displayName, isSubscribed })
  }

  /** Whether a user is subscribed to the thread that an event is in; undefined where it is in none. */
  async #isSubscribed({ userNid }: RulesOwner, event: StoredEvent): Promise<boolean | undefined> {
    const { events, threadSubscriptionsTable } = this.#parts
    const thread = await threadOf(event, events)
    if (thread === MAIN) return undefined
    const root = await this.#rootOf(event, thread)
    return root !== undefined && (await threadSubscriptionsTable.find(userNid, root.nid))?.isSubscribed === true
  }

  async #subscribers(event: StoredEvent, thread: string): Promise<ReadonlySet<number> | undefined> {
    if (thread === MAIN) return undefined
    const root = await this.#rootOf(event, thread)
    return root ? this.#parts.threadSubscriptionsTable.subscribers(root.nid) : new Set()
  }

  /** What an event names as the beginning of its thread may be of another room, and then is none. */
  async #rootOf({ room }: StoredEvent, thread: string): Promise<StoredEvent | undefined> {
    const root = await this.#parts.events.byId(thread as EventId)
    return root?.room.nid === room.nid ? root : undefined
  }
}
