/** Threads that users follow, MSC4306. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
import type { EventId, RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { conflictingUnsubscription, notFound, notInThread } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { THREAD_RULE_IDS } from '../protocol/default-push-rules.ts'
import type { Database } from '../storage/database.ts'
import type { Events } from '../storage/events.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { ThreadSubscription, ThreadSubscriptionsTable } from '../storage/thread-subscriptions.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { StreamRange } from '../streams/position.ts'
import type { PushRules } from '../users/push-rules.ts'
import type { History } from './history.ts'
import { threadOf } from './threads.ts'
import type { Viewer } from './visibility.ts'

/** No more changes are told at once. */
export const MAX_CHANGES = 100

export interface ThreadSubscriptionsParts {
  db: Database
  events: Events
  rooms: Rooms
  timelines: Timelines
  threadSubscriptionsTable: ThreadSubscriptionsTable
  history: Pick<History, 'event'>
  pushRules: Pick<PushRules, 'enableUndecided'>
}

/** Changes by room and thread, as clients get them (MSC4308), and where those before them begin. */
export interface SubscriptionChanges {
  readonly subscribed: Record<string, JsonObject>
  readonly unsubscribed: Record<string, JsonObject>
  /** The position to go on from backwards; undefined where there is nothing more. */
  readonly next: number | undefined
}

export class ThreadSubscriptions {
  readonly #parts: ThreadSubscriptionsParts
  /** A user's changes, one after another: their clients subscribe by themselves, all at the same time. */
  readonly #queue = new KeyedQueue<number>()

  constructor(parts: ThreadSubscriptionsParts) {
    this.#parts = parts
  }

  /** The viewer's subscription to a thread. Throws M_NOT_FOUND where there is none, and for a thread that the viewer may not see. */
  async get(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<ThreadSubscription> {
    const root = await this.#parts.history.event(viewer, roomId, rootId)
    const subscription = await this.#parts.threadSubscriptionsTable.find(viewer.userNid, root.nid)
    if (!subscription?.isSubscribed) throw notFound('You are not subscribed to that thread')
    return subscription
  }

  /**
   * Subscribes to a thread; a subscription by hand stays one. With the first one, the user's push rules ask for subscriptions.
   * @param causeId the event because of which a client subscribes by itself
   * @throws {MatrixError} M_NOT_FOUND, M_NOT_IN_THREAD, M_CONFLICTING_UNSUBSCRIPTION
   */
  async subscribe(viewer: Viewer, roomId: RoomId, rootId: EventId, causeId: EventId | undefined): Promise<void> {
    const root = await this.#parts.history.event(viewer, roomId, rootId)
    const causePosition = causeId === undefined ? undefined : await this.#positionInThread(root, causeId)
    const isAutomatic = causePosition !== undefined
    await this.#change(viewer, root, (before) => {
      if (before?.isSubscribed) return before.isAutomatic && !isAutomatic ? { isSubscribed: true, isAutomatic } : undefined
      // The event was there when the user unsubscribed.
      if (before && isAutomatic && causePosition <= before.position) throw conflictingUnsubscription()
      return { isSubscribed: true, isAutomatic }
    })
    await this.#parts.pushRules.enableUndecided(viewer, THREAD_RULE_IDS)
  }

  /** Unsubscribes from a thread; nothing happens where there is no subscription. Throws M_NOT_FOUND. */
  async unsubscribe(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<void> {
    const root = await this.#parts.history.event(viewer, roomId, rootId)
    await this.#change(viewer, root, (before) => (before?.isSubscribed ? { isSubscribed: false, isAutomatic: false } : undefined))
  }

  /** A user's last changes in a range of positions. */
  async changes(userNid: number, { after, upTo }: StreamRange, limit: number): Promise<SubscriptionChanges> {
    const { threadSubscriptionsTable, rooms, events } = this.#parts
    const wanted = Math.min(limit, MAX_CHANGES)
    const found = await threadSubscriptionsTable.changed(userNid, after, upTo, wanted + 1)
    const told = found.slice(0, wanted)
    const roots = await events.byNids(told.map(({ rootNid }) => rootNid))
    const subscribed: Record<string, JsonObject> = Object.create(null)
    const unsubscribed: Record<string, JsonObject> = Object.create(null)
    for (const { roomNid, rootNid, isSubscribed, isAutomatic, position } of told) {
      const root = roots.get(rootNid)
      if (!root) continue
      const { roomId } = await rooms.get(roomNid)
      const byThread = ((isSubscribed ? subscribed : unsubscribed)[roomId] ??= Object.create(null) as JsonObject)
      byThread[root.eventId] = { ...(isSubscribed && { automatic: isAutomatic }), bump_stamp: position }
    }
    return { subscribed, unsubscribed, next: found[wanted]?.position }
  }

  #change(
    { userNid }: Viewer,
    { nid: rootNid, room }: StoredEvent,
    decide: (before: ThreadSubscription | undefined) => Pick<ThreadSubscription, 'isSubscribed' | 'isAutomatic'> | undefined,
  ): Promise<void> {
    const { db, threadSubscriptionsTable } = this.#parts
    return this.#queue.run(userNid, async () => {
      const after = decide(await threadSubscriptionsTable.find(userNid, rootNid))
      if (!after) return
      await db.write((batch) => threadSubscriptionsTable.set(batch, userNid, { roomNid: room.nid, rootNid, ...after }))
    })
  }

  /** Where an event of the thread is in the room's timeline, which orders it and changes of subscriptions alike. */
  async #positionInThread(root: StoredEvent, causeId: EventId): Promise<number> {
    const { events, timelines } = this.#parts
    const cause = await events.byId(causeId)
    const isInThread = cause?.room.nid === root.room.nid && (await threadOf(cause, events)) === root.eventId
    const position = isInThread ? await timelines.positionOf(root.room.nid, cause.nid) : undefined
    if (position === undefined) throw notInThread()
    return position
  }
}
