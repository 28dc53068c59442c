/** What clients send into rooms. https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room */
import { type EventId, isEventId, type RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { badJson, invalidParam, notFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import { hasNonCanonicalNumbers } from '../protocol/strict-json.ts'
import type { ClientTransactions } from '../storage/client-transactions.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomAliases } from './aliases.ts'
import type { GuestAccess } from './guest-access.ts'
import type { RoomHeads } from './heads.ts'
import type { MembershipSetting } from './membership/set.ts'
import { assertMayRedact, assertNotSuspended, knownRoom, mayRedact, ownRoom } from './policy.ts'
import type { RelatedEvents } from './relations.ts'
import type { Draft, EventSender, Transaction } from './send.ts'
import type { RoomStates } from './state.ts'
import { delayedTransaction, transactionOf } from './transactions.ts'

export interface ClientSendsParts {
  events: Events
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  transactions: ClientTransactions
  relatedEvents: RelatedEvents
  roomAliases: RoomAliases
  guests: GuestAccess
  membershipSetting: MembershipSetting
}

/** The content of an event as a client gives it. */
export interface GivenContent {
  readonly content: JsonObject
  /** The text that it was parsed from: which numbers are allowed depends on the room. */
  readonly text: string
  /** The time that an application service gives to its event, in milliseconds since the Unix epoch. */
  readonly originServerTs?: number | undefined
  /** For how long the event is to be sticky, in milliseconds (MSC4354). */
  readonly stickyMs?: number | undefined
}

/** The content of a redaction. */
export interface RedactionRequest extends GivenContent {
  /** MSC3912: events that relate to the target in one of these ways are redacted too; `*` stands for all ways. */
  readonly withRelations: readonly string[]
}

export class ClientSends {
  readonly #parts: ClientSendsParts

  constructor(parts: ClientSendsParts) {
    this.#parts = parts
  }

  /**
   * Sends a message event; with a transaction ID, once.
   * @throws {MatrixError} M_FORBIDDEN, M_TOO_LARGE, M_BAD_JSON; M_NOT_FOUND and M_INVALID_PARAM for the target of a redaction
   */
  async send(requester: Requester, roomId: RoomId, type: string, given: GivenContent, txnId?: string): Promise<EventId> {
    return this.#send(requester, roomId, type, given, transactionOf(requester, ['send', roomId, type], txnId))
  }

  /** Sets a piece of state; where it is that already, the event that made it so is the answer. */
  setState(requester: Requester, roomId: RoomId, type: string, stateKey: string, given: GivenContent): Promise<EventId> {
    return this.#setState(requester, roomId, type, stateKey, given, undefined)
  }

  /** Sends a message event, or sets a piece of state where there is a state key, for a delayed event: once for each `delayId`. */
  sendDelayed(
    requester: Requester,
    roomId: RoomId,
    type: string,
    stateKey: string | undefined,
    given: GivenContent,
    delayId: string,
  ): Promise<EventId> {
    const transaction = delayedTransaction(requester.userNid, delayId)
    return stateKey === undefined
      ? this.#send(requester, roomId, type, given, transaction)
      : this.#setState(requester, roomId, type, stateKey, given, transaction)
  }

  /** The room of an event that is to be sent later: what depends on the state of the room is looked at then. */
  async assertMaySchedule(requester: Requester, roomId: RoomId, type: string, given: GivenContent): Promise<Room> {
    const room = await this.#room(requester, roomId, given)
    assertNotSuspended(requester)
    assertSensible(room, type, given.content)
    return room
  }

  async #send(
    requester: Requester,
    roomId: RoomId,
    type: string,
    given: GivenContent,
    transaction: Transaction | undefined,
  ): Promise<EventId> {
    const room = await this.#room(requester, roomId, given)
    const { sender, transactions, relatedEvents } = this.#parts
    if (type === 'm.room.redaction') return this.#redact(requester, room, given, transaction)
    assertNotSuspended(requester)
    assertSensible(room, type, given.content)
    // A repeated request is no second annotation.
    if (!transaction || (await transactions.find(transaction.device, transaction.id)) === undefined)
      await relatedEvents.assertMayRelate(requester.userId, type, given.content)
    const draft: Draft = { sender: requester.userId, type, content: given.content, ...wishesOf(requester, given) }
    return (await sender.send(room, draft, transaction)).eventId
  }

  async #setState(
    requester: Requester,
    roomId: RoomId,
    type: string,
    stateKey: string,
    given: GivenContent,
    transaction: Transaction | undefined,
  ): Promise<EventId> {
    if (type === 'm.room.member') return this.#setMembership(requester, roomId, stateKey, given)
    const { roomAliases, guests, sender } = this.#parts
    const room = await this.#room(requester, roomId, given)
    assertNotSuspended(requester)
    assertSensible(room, type, given.content)
    if (type === 'm.room.canonical_alias' && stateKey === '') await roomAliases.checkCanonical(room, given.content)
    const { content } = given
    const draft: Draft = { sender: requester.userId, type, stateKey, content, ...wishesOf(requester, given) }
    const event = await sender.send(room, draft, transaction)
    if (type === 'm.room.guest_access') await guests.apply(room)
    return event.eventId
  }

  /** Redacts an event. https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
  async redact(requester: Requester, roomId: RoomId, target: EventId, given: RedactionRequest, txnId?: string): Promise<EventId> {
    const room = await this.#room(requester, roomId, given)
    const redact = (redacts: EventId, transaction?: Transaction) =>
      this.#redact(requester, room, { ...given, content: { ...given.content, redacts } }, transaction)
    const eventId = await redact(target, transactionOf(requester, ['redact', roomId, target], txnId))
    for (const related of await this.#redactableRelations(requester, room, target, given.withRelations))
      await redact(related.eventId)
    return eventId
  }

  /** Those that the requester may not redact are left out. */
  async #redactableRelations(
    requester: Requester,
    room: Room,
    target: EventId,
    relTypes: readonly string[],
  ): Promise<StoredEvent[]> {
    if (relTypes.length === 0) return []
    const { heads, states, relatedEvents } = this.#parts
    const levels = await states.powerLevels((await heads.get(room)).stateRoot, room)
    return (await relatedEvents.relatedTo(room, target, relTypes)).filter((event) => mayRedact(requester, levels, event))
  }

  async #redact(requester: Requester, room: Room, given: GivenContent, transaction: Transaction | undefined): Promise<EventId> {
    const { redacts, ...content } = given.content
    if (typeof redacts !== 'string' || !isEventId(redacts)) throw badJson('redacts is not an event ID')
    const target = await this.#target(room, redacts)
    const { heads, states, sender } = this.#parts
    assertMayRedact(requester, await states.powerLevels((await heads.get(room)).stateRoot, room), target)
    // Where the room version wants `redacts`, there it is put when the event is built.
    const draft: Draft = { sender: requester.userId, type: 'm.room.redaction', content, redacts, ...wishesOf(requester, given) }
    return (await sender.send(room, draft, transaction)).eventId
  }

  async #target(room: Room, eventId: EventId): Promise<StoredEvent> {
    const target = await this.#parts.events.byId(eventId)
    if (!target) throw notFound(`There is no event ${eventId}`)
    if (target.room.nid !== room.nid) throw invalidParam('The event is of another room')
    return target
  }

  /** Who is not in the room yet may want to join it. */
  async #setMembership(requester: Requester, roomId: RoomId, stateKey: string, given: GivenContent): Promise<EventId> {
    if (given.stickyMs !== undefined) throw invalidParam('Memberships are not sticky')
    const room = await knownRoom(this.#parts.rooms, roomId)
    assertNumbers(room, given)
    return this.#parts.membershipSetting.set(requester, room, stateKey, given.content)
  }

  async #room(requester: Requester, roomId: RoomId, given: GivenContent): Promise<Room> {
    const room = await ownRoom(this.#parts, roomId, requester.userNid)
    assertNumbers(room, given)
    return room
  }
}

function assertNumbers({ rules }: Room, { text }: GivenContent): void {
  if (text !== '' && rules.strictCanonicalJson && hasNonCanonicalNumbers(text))
    throw badJson('The content holds a number that is no integer from -(2^53 - 1) to 2^53 - 1')
}

/** What no rule forbids and nobody can mean: a room that replaces itself. */
function assertSensible({ roomId }: Room, type: string, content: JsonObject): void {
  if (type === 'm.room.tombstone' && content['replacement_room'] === roomId) throw badJson('A room cannot replace itself')
}

/** What a request says of the event beside its content; only application services say when their events were made. */
function wishesOf(
  { appServiceId }: Requester,
  { originServerTs, stickyMs }: GivenContent,
): Pick<Draft, 'originServerTs' | 'stickyMs'> {
  return {
    ...(appServiceId !== undefined && originServerTs !== undefined && { originServerTs }),
    ...(stickyMs !== undefined && { stickyMs }),
  }
}
