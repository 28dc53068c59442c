/** https://spec.matrix.org/v1.19/server-server-api/#transactions */
import { limitExceeded } from '../../core/errors.ts'
import { parseJson } from '../../core/json-text.ts'
import { isRoomId, type RoomId, type ServerName } from '../../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, stringAt } from '../../../schemas/json.ts'
import type { Clock } from '../../core/clock.ts'
import { Limiter } from '../../core/limiter.ts'
import type { Event } from '../../protocol/event.ts'
import type { EventReceiver, Verdict } from '../../rooms/receive.ts'
import type { GuestAccess } from '../../rooms/guest-access.ts'
import type { RoomHeads } from '../../rooms/heads.ts'
import type { Database } from '../../storage/database.ts'
import type { InboundTransactions } from '../../storage/inbound-transactions.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { CheckedPdu, PduChecks } from '../pdus.ts'
import type { RoomAccess } from './access.ts'
import type { EduReceiver } from './edus.ts'
import type { RescindedInvites } from './rescinded-invites.ts'

export interface TransactionReceiverParts {
  serverName: ServerName
  clock: Clock
  db: Database
  rooms: Rooms
  inboundTransactions: InboundTransactions
  receiver: Pick<EventReceiver, 'receive'>
  heads: RoomHeads
  guests: Pick<GuestAccess, 'applySince'>
  access: RoomAccess
  pduChecks: PduChecks
  edus: EduReceiver
  rescinded: RescindedInvites
  /** Waits until nobody of ours is on the way into the room any more. */
  settled: (roomId: RoomId) => Promise<void>
}

/** By event id: nothing, or what was wrong with the event. */
export interface TransactionAnswer {
  pdus: Record<string, { error?: string }>
}

/** Rooms of one transaction that are worked on side by side. */
const ROOMS_AT_ONCE = 8
const KEEP_ANSWERS_MS = 600_000
/** Servers send one transaction after another. One that does not is to try again later, so that nothing is lost. */
const MAX_IN_FLIGHT = 10
const RETRY_AFTER_MS = 5_000

export class TransactionReceiver {
  readonly #parts: TransactionReceiverParts
  readonly #inFlight = new Map<ServerName, Map<string, Promise<TransactionAnswer>>>()
  #forgetAt = 0

  constructor(parts: TransactionReceiverParts) {
    this.#parts = parts
  }

  /**
   * Takes in a transaction. One that is repeated gets the answer of the first time, also while that is still worked on.
   * @throws {MatrixError} M_LIMIT_EXCEEDED where too many of the server are worked on already
   */
  receive(
    origin: ServerName,
    transactionId: string,
    { pdus = [], edus = [] }: { pdus?: readonly Json[]; edus?: readonly Json[] },
  ): Promise<TransactionAnswer> {
    const running = this.#inFlight.get(origin) ?? new Map<string, Promise<TransactionAnswer>>()
    const repeated = running.get(transactionId)
    if (repeated) return repeated
    if (running.size === MAX_IN_FLIGHT) throw limitExceeded(RETRY_AFTER_MS, 'transactions at once')
    const answer = this.#receiveOnce(origin, transactionId, pdus, edus).finally(() => {
      running.delete(transactionId)
      if (running.size === 0) this.#inFlight.delete(origin)
    })
    this.#inFlight.set(origin, running.set(transactionId, answer))
    return answer
  }

  async #receiveOnce(
    origin: ServerName,
    transactionId: string,
    pdus: readonly Json[],
    edus: readonly Json[],
  ): Promise<TransactionAnswer> {
    const { inboundTransactions, edus: eduReceiver } = this.#parts
    const earlier = await inboundTransactions.find(origin, transactionId)
    if (earlier !== undefined) return parseJson(earlier) as unknown as TransactionAnswer
    const answer: TransactionAnswer = { pdus: Object.create(null) as TransactionAnswer['pdus'] }
    await this.#receivePdus(origin, pdus, answer)
    await eduReceiver.receive(origin, edus)
    await this.#remember(origin, transactionId, answer)
    return answer
  }

  async #remember(origin: ServerName, transactionId: string, answer: TransactionAnswer): Promise<void> {
    const { db, clock, inboundTransactions } = this.#parts
    const now = clock.now()
    await db.write((batch) => {
      inboundTransactions.add(batch, origin, transactionId, now, JSON.stringify(answer))
      if (now < this.#forgetAt) return
      inboundTransactions.forgetBefore(batch, now - KEEP_ANSWERS_MS)
      this.#forgetAt = now + KEEP_ANSWERS_MS
    })
  }

  /** The events of one room in their order, the rooms side by side. */
  async #receivePdus(origin: ServerName, pdus: readonly Json[], answer: TransactionAnswer): Promise<void> {
    const limiter = new Limiter(ROOMS_AT_ONCE)
    const byRoom = Map.groupBy(pdus.filter(isJsonObject), (pdu) => stringAt(pdu, 'room_id') ?? '')
    await Promise.all(
      [...byRoom].map(([roomId, ofRoom]) => limiter.run(() => this.#receiveForRoom(origin, roomId, ofRoom, answer))),
    )
  }

  async #receiveForRoom(
    origin: ServerName,
    roomId: string,
    pdus: readonly JsonObject[],
    answer: TransactionAnswer,
  ): Promise<void> {
    const { rooms, settled, access, pduChecks } = this.#parts
    if (!isRoomId(roomId)) return
    await settled(roomId)
    const room = await rooms.find(roomId)
    // Without the room's version most events have no id by which to answer for them.
    if (!room) return refuseAll(pdus, 'This server does not know the room', answer)
    const isAllowed = await access.isAllowed(origin, room)
    const events: Event[] = []
    for (const checked of await pduChecks.each(pdus, room.rules)) {
      const fault = isAllowed ? faultOf(checked, room) : "The room's access control list denies your server"
      if (fault !== undefined) note(checked, fault, answer)
      else if ('event' in checked) events.push(checked.event)
    }
    if (events.length > 0) await this.#receiveEvents(origin, room, events, answer)
  }

  async #receiveEvents(origin: ServerName, room: Room, events: readonly Event[], answer: TransactionAnswer): Promise<void> {
    const { access, serverName, receiver, heads, guests, rescinded } = this.#parts
    if (!(await access.isIn(serverName, room))) {
      for (const event of events)
        answer.pdus[event.eventId] = (await rescinded.take(event)) ? {} : { error: 'This server is not in the room' }
      return
    }
    const { stateRoot } = await heads.get(room)
    const verdicts = await receiver.receive(origin, room, events)
    for (const [index, { eventId }] of events.entries()) answer.pdus[eventId] = resultOf(verdicts[index])
    await guests.applySince(room, stateRoot)
  }
}

function refuseAll(pdus: readonly JsonObject[], error: string, answer: TransactionAnswer): void {
  for (const pdu of pdus) {
    const eventId = stringAt(pdu, 'event_id')
    if (eventId !== undefined) answer.pdus[eventId] = { error }
  }
}

function faultOf(checked: CheckedPdu, room: Room): string | undefined {
  if ('refused' in checked) return checked.refused
  return checked.event.roomId === room.roomId ? undefined : 'The event is of another room'
}

function note(checked: CheckedPdu, error: string, answer: TransactionAnswer): void {
  const eventId = 'event' in checked ? checked.event.eventId : checked.eventId
  if (eventId !== undefined) answer.pdus[eventId] = { error }
}

/** A rejected event has been handled: it is kept, as rejected. An error tells the sender that we do not have the event. */
function resultOf(verdict: Verdict | undefined): { error?: string } {
  return verdict?.kind === 'missing' ? { error: verdict.why } : {}
}
