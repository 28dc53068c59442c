/** What joining, leaving and knocking from other servers have in common: a template, and the event that comes of it. */
import { serverOf, type ServerName, type UserId } from '../../../schemas/ids.ts'
import { type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import { badJson, forbidden, incompatibleRoomVersion, invalidParam } from '../../core/errors.ts'
import { parseEvent } from '../../protocol/event-format.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import type { EventReceiver } from '../../rooms/receive.ts'
import type { RoomHeads } from '../../rooms/heads.ts'
import type { EventSender } from '../../rooms/send.ts'
import type { Events } from '../../storage/events.ts'
import type { Room } from '../../storage/rooms.ts'
import { Standing, type StoredEvent } from '../../storage/stored-event.ts'
import type { PduChecks } from '../pdus.ts'

export interface HandshakesParts {
  events: Events
  heads: RoomHeads
  sender: EventSender
  receiver: Pick<EventReceiver, 'receive'>
  pduChecks: PduChecks
}

/** A member event that another server sends for one of its users. */
export interface Submission {
  readonly origin: ServerName
  readonly room: Room
  /** Of the path. */
  readonly eventId: string
  readonly pdu: Pdu
}

export class Handshakes {
  readonly #parts: HandshakesParts

  constructor(parts: HandshakesParts) {
    this.#parts = parts
  }

  /** An unsigned event that the user's server may fill in, built on the end of the room. Throws M_FORBIDDEN. */
  async template(room: Room, userId: UserId, content: JsonObject): Promise<JsonObject> {
    const { heads, sender } = this.#parts
    const draft = { sender: userId, type: 'm.room.member', stateKey: userId, content }
    const { pdu } = await heads.locked(room.roomId, () => sender.build(room, draft))
    const { hashes: _hashes, event_id: _eventId, ...template } = pdu
    return template
  }

  /**
   * Reads and checks the event of a submission, but neither signatures nor permissions.
   * @throws {MatrixError} M_BAD_JSON, M_INVALID_PARAM, or M_FORBIDDEN where a server speaks for users of another
   */
  read({ origin, room, eventId, pdu }: Submission, membership: 'join' | 'leave' | 'knock'): Event {
    if (!objectAt(pdu, 'signatures') || !objectAt(pdu, 'hashes')) throw forbidden('The event is not signed')
    const parsed = parseEvent(pdu, room.rules)
    if ('refused' in parsed) throw badJson(`The event is refused: ${parsed.refused}`)
    const { event } = parsed
    if (event.roomId !== room.roomId) throw invalidParam('The event is of another room')
    if (event.type !== 'm.room.member' || stringAt(event.content, 'membership') !== membership)
      throw invalidParam(`The event is not a member event of the membership ${membership}`)
    if (event.stateKey !== event.sender) throw invalidParam("The event's state key is not its sender")
    if (serverOf(event.sender) !== origin) throw forbidden(`${origin} may not send events of ${event.sender}`)
    if (event.eventId !== eventId) throw invalidParam(`The event has the ID ${event.eventId}`)
    return event
  }

  /**
   * Checks the event's signatures, adds it to the room and sends it on to the other servers.
   * @param pdu what was read, with our signature where it needs that
   * @throws {MatrixError} M_FORBIDDEN
   */
  async accept({ origin, room }: Submission, pdu: Pdu): Promise<{ event: Event; stored: StoredEvent }> {
    const { pduChecks, receiver, events } = this.#parts
    const [checked] = await pduChecks.each([pdu], room.rules)
    if (checked === undefined || 'refused' in checked) throw forbidden(checked?.refused)
    const { event } = checked
    if (event.unauthorised !== undefined) throw forbidden(event.unauthorised)
    const [verdict] = await receiver.receive(origin, room, [event], { forward: true })
    if (verdict?.kind === 'accepted') return { event, stored: verdict.stored }
    const earlier = verdict?.kind === 'known' ? await events.byId(event.eventId) : undefined
    if (earlier?.standing === Standing.accepted) return { event, stored: earlier }
    throw forbidden((verdict && 'why' in verdict ? verdict.why : undefined) ?? 'The room does not allow this')
  }
}

/** A server asks for templates of its own users only. */
export function assertOwnUser(origin: ServerName, userId: UserId): void {
  if (serverOf(userId) !== origin) throw forbidden(`${userId} is not a user of ${origin}`)
}

/** @param versions those that the other server knows */
export function assertKnownVersion({ rules }: Room, versions: readonly string[]): void {
  if (!versions.includes(rules.version)) throw incompatibleRoomVersion(rules.version)
}
