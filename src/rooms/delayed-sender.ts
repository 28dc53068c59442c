import type { EventId, RoomId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { MatrixError, unknown, userDeactivated, userLocked } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import type { Logger } from '../core/logger.ts'
import type { Requester } from '../core/requester.ts'
import type { Worker } from '../core/worker.ts'
import type { Accounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import type { DelayedEvent, DelayedEventsTable, Outcome } from '../storage/delayed-events.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { ClientSends } from './client-sends.ts'

/** A timer cannot be set for longer than some weeks; it is looked at again after a day. */
const MAX_SLEEP_MS = 86_400_000
const DUE_AT_ONCE = 50
/** The proposal's recommendation for how long it is known what became of a user's events, and of how many. */
const KEPT_MS = 7 * 86_400_000
const KEPT_OF_USER = 1000

export interface DelayedSenderParts {
  clock: Clock
  db: Database
  accounts: Accounts
  rooms: Rooms
  delayedEventsTable: DelayedEventsTable
  clientSends: ClientSends
  logger?: Logger | undefined
}

/** Sends delayed events when they are due, one timer for all; those that came due while the server was down when it starts. */
export class DelayedSender implements Worker {
  readonly name = 'delayed events'
  readonly #parts: DelayedSenderParts
  readonly #queue = new KeyedQueue<string>()
  #changed = new AbortController()

  constructor(parts: DelayedSenderParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, delayedEventsTable } = this.#parts
    while (!signal.aborted) {
      const changed = this.#changed.signal
      const due = await delayedEventsTable.due(clock.now(), DUE_AT_ONCE)
      const byRoom = Map.groupBy(due, ({ roomNid }) => roomNid).values()
      await Promise.all([...byRoom].map((ofRoom) => this.#sendAll(ofRoom, signal)))
      if (due.length > 0) continue
      const next = (await delayedEventsTable.nextSendTs()) ?? Infinity
      await clock.sleep(Math.min(next - clock.now(), MAX_SLEEP_MS), AbortSignal.any([signal, changed]))
    }
  }

  /** There is an event that may be due before all others. */
  rescheduled(): void {
    this.#changed.abort()
    this.#changed = new AbortController()
  }

  /** Runs `task` with an event as it is now, which nothing else changes meanwhile. */
  exclusively<T>(delayId: string, task: (event: DelayedEvent | undefined) => Promise<T>): Promise<T> {
    return this.#queue.run(delayId, async () => task(await this.#parts.delayedEventsTable.find(delayId)))
  }

  /** Sends an event and writes down that it was; where it cannot be sent, nothing has changed. Only in `exclusively`. */
  async send(event: DelayedEvent): Promise<void> {
    await this.finalise(event, { eventId: await this.#send(event) })
  }

  /** Writes down what became of an event. Only in `exclusively`. */
  async finalise(event: DelayedEvent, outcome: Omit<Outcome, 'ts'>): Promise<void> {
    const { db, delayedEventsTable, clock } = this.#parts
    const ts = clock.now()
    const limits = { oldest: ts - KEPT_MS, kept: KEPT_OF_USER }
    await db.write((batch) => delayedEventsTable.finalise(batch, event, { ...outcome, ts }, limits))
  }

  /** One after another: those of one room are in order, and no room waits for another. */
  async #sendAll(due: readonly DelayedEvent[], signal: AbortSignal): Promise<void> {
    for (const { delayId } of due) if (!signal.aborted) await this.#sendDue(delayId)
  }

  #sendDue(delayId: string): Promise<void> {
    return this.exclusively(delayId, async (event) => {
      // It may have been restarted or cancelled since.
      if (!event || event.outcome || event.sendTs > this.#parts.clock.now()) return
      try {
        await this.send(event)
      } catch (cause) {
        if (!(cause instanceof MatrixError)) this.#parts.logger?.error({ err: cause, type: event.type }, 'A delayed event failed')
        // It is not tried again: the user is told why when they ask.
        await this.finalise(event, { error: (cause instanceof MatrixError ? cause : unknown()).toJSON() })
      }
    })
  }

  /** The transaction makes it the same event, should the server have stopped before it was written down that it was sent. */
  async #send(event: DelayedEvent): Promise<EventId> {
    const { rooms, clientSends } = this.#parts
    const { type, stateKey, content, originServerTs, stickyMs } = event
    const { roomId } = await rooms.get(event.roomNid)
    return clientSends.sendDelayed(
      await this.#requester(event),
      roomId as RoomId,
      type,
      stateKey,
      {
        content,
        // Its numbers were looked at when it was scheduled.
        text: '',
        originServerTs,
        stickyMs,
      },
      event.delayId,
    )
  }

  /** The user as they are now: rights are those of the time of sending. */
  async #requester({ userNid, appServiceId }: DelayedEvent): Promise<Requester> {
    const account = await this.#parts.accounts.get(userNid)
    if (!account || account.isDeactivated) throw userDeactivated()
    if (account.isLocked) throw userLocked()
    const { userId, kind, isAdmin, isSuspended } = account
    const device = { deviceId: undefined, deviceNid: undefined }
    const user = { userId, userNid, isAdmin, isSuspended, isGuest: kind === 'guest' }
    return { ...user, ...device, ...(appServiceId !== undefined && { appServiceId }) }
  }
}
