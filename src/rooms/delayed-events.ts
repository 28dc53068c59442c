/** Events that are sent later, MSC4140. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
import type { getDelayedEvent } from '../../schemas/client/delayed-events.ts'
import type { ResponseOf } from '../../schemas/endpoint.ts'
import type { RoomId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { conflict, forbidden, limitExceeded, type MatrixError, notFound, tooLarge } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { randomToken } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { DelayedEvent, DelayedEventsTable, Outcome } from '../storage/delayed-events.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { ClientSends, GivenContent } from './client-sends.ts'
import type { DelayedSender } from './delayed-sender.ts'
import { transactionOf } from './transactions.ts'

/** No event may be larger. https://spec.matrix.org/v1.19/client-server-api/#size-limits */
const MAX_CONTENT = 65_536

export type DelayedAction = 'cancel' | 'restart' | 'send'

/** What is to be sent, and when. */
export interface Scheduling {
  readonly roomId: RoomId
  readonly type: string
  readonly stateKey?: string | undefined
  readonly given: GivenContent
  readonly delayMs: number
  readonly txnId?: string
  /** What the client is told of a delay that is longer than allowed. */
  readonly tooLong: (maxDelayMs: number) => MatrixError
}

type DescribedEvent = ResponseOf<typeof getDelayedEvent>

export interface DelayedEventsParts {
  clock: Clock
  db: Database
  rooms: Rooms
  delayedEventsTable: DelayedEventsTable
  clientSends: ClientSends
  delayedSender: DelayedSender
  /** The longest delay, and how many events a user may have scheduled at a time. */
  limits: { readonly maxDelayMs: number; readonly maxScheduled: number }
}

export class DelayedEvents {
  readonly #parts: DelayedEventsParts
  /** A user's requests to schedule, one after another: they count against one limit, and one may be repeated. */
  readonly #scheduling = new KeyedQueue<number>()

  constructor(parts: DelayedEventsParts) {
    this.#parts = parts
  }

  /**
   * Schedules an event; answers its `delay_id`, which whoever knows it may decide by.
   * @throws {MatrixError} M_FORBIDDEN outside of the room, M_LIMIT_EXCEEDED, M_TOO_LARGE, M_BAD_JSON, `tooLong`
   */
  async schedule(requester: Requester, wanted: Scheduling): Promise<string> {
    const { limits, clientSends } = this.#parts
    if (limits.maxScheduled === 0) throw forbidden('This server delays no events')
    if (wanted.delayMs > limits.maxDelayMs) throw wanted.tooLong(limits.maxDelayMs)
    if (Buffer.byteLength(JSON.stringify(wanted.given.content)) > MAX_CONTENT) throw tooLarge('The event is too large')
    const room = await clientSends.assertMaySchedule(requester, wanted.roomId, wanted.type, wanted.given)
    return this.#scheduling.run(requester.userNid, () => this.#add(requester, room.nid, wanted))
  }

  /** What the requester has scheduled and what is still to be sent, the next one first. */
  async scheduledBy(requester: Requester): Promise<DescribedEvent[]> {
    const events = await this.#parts.delayedEventsTable.scheduledBy(requester.userNid)
    return Promise.all(events.map((event) => this.#described(event)))
  }

  /** An event of the requester, for some days also after it has been sent or cancelled. */
  async get(requester: Requester, delayId: string): Promise<DescribedEvent> {
    const event = await this.#parts.delayedEventsTable.find(delayId)
    if (event?.userNid !== requester.userNid) throw noSuchEvent()
    return { ...(await this.#described(event)), ...(event.outcome && toldOutcome(event.outcome)) }
  }

  /** Decides about an event. Throws M_NOT_FOUND, a conflict with what has been decided, and what hinders an event from being sent. */
  manage(delayId: string, action: DelayedAction): Promise<void> {
    const { delayedSender } = this.#parts
    return delayedSender.exclusively(delayId, async (event) => {
      if (!event) throw noSuchEvent()
      if (event.outcome) return assertAgrees(event.outcome, action)
      if (action === 'send') return delayedSender.send(event)
      if (action === 'cancel') return delayedSender.finalise(event, {})
      return this.#restart(event)
    })
  }

  async #add(requester: Requester, roomNid: number, wanted: Scheduling): Promise<string> {
    const { clock, db, delayedEventsTable, delayedSender } = this.#parts
    const { roomId, type, stateKey, given, delayMs, txnId } = wanted
    const request = transactionOf(requester, ['delayed', roomId, type], txnId)
    const earlier = request && (await delayedEventsTable.ofRequest(request.device, request.id))
    if (earlier) return earlier.delayId
    await this.#assertBelowLimit(requester)
    const delayId = randomToken()
    const { userNid, appServiceId } = requester
    const { content, originServerTs, stickyMs } = given
    const scheduled = { userNid, appServiceId, originServerTs, stickyMs, content, delayId, roomNid, type, stateKey, delayMs }
    await db.write((batch) => delayedEventsTable.add(batch, { ...scheduled, scheduledTs: clock.now() }, request))
    delayedSender.rescheduled()
    return delayId
  }

  async #assertBelowLimit({ userNid }: Requester): Promise<void> {
    const { clock, delayedEventsTable, limits } = this.#parts
    const { scheduled, next } = await delayedEventsTable.loadOf(userNid)
    if (scheduled >= limits.maxScheduled) throw limitExceeded(Math.max(0, (next ?? 0) - clock.now()), 'scheduled events')
  }

  async #restart(event: DelayedEvent): Promise<void> {
    const { db, clock, delayedEventsTable, delayedSender } = this.#parts
    await db.write((batch) => delayedEventsTable.restart(batch, event, clock.now()))
    delayedSender.rescheduled()
  }

  /** With the names of the proposal and those of its earlier drafts, which clients read. */
  async #described(event: DelayedEvent): Promise<DescribedEvent> {
    const { roomId } = await this.#parts.rooms.get(event.roomNid)
    return {
      delay_id: event.delayId,
      room_id: roomId,
      type: event.type,
      ...(event.stateKey !== undefined && { state_key: event.stateKey }),
      delay_ms: event.delayMs,
      scheduled_at: event.scheduledTs,
      delay: event.delayMs,
      running_since: event.scheduledTs,
      content: event.content,
    }
  }
}

/** A repeated decision is no conflict; what was not sent because of an error counts as cancelled. */
function assertAgrees({ eventId }: Outcome, action: DelayedAction): void {
  if (action !== (eventId === undefined ? 'cancel' : 'send'))
    throw conflict(eventId === undefined ? 'The event has been cancelled' : 'The event has been sent')
}

function toldOutcome({ ts, eventId, error }: Outcome): Pick<DescribedEvent, 'finalised_ts' | 'event_id' | 'error'> {
  return { finalised_ts: ts, ...(eventId !== undefined && { event_id: eventId }), ...(error && { error }) }
}

const noSuchEvent = () => notFound('There is no such delayed event')
