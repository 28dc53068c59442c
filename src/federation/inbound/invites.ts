/** https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room, seen from the invited user. */
import { isUserId, type RoomId, serverOf, type ServerName, type UserId } from '../../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, stringAt } from '../../../schemas/json.ts'
import { badJson, forbidden, incompatibleRoomVersion, invalidParam } from '../../core/errors.ts'
import { parseEvent } from '../../protocol/event-format.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import { type RoomRules, roomRules } from '../../protocol/room-versions.ts'
import { type SigningKey, signEvent } from '../../protocol/signing.ts'
import type { Invites } from '../../rooms/membership/invite.ts'
import type { OutOfBand } from '../../rooms/out-of-band.ts'
import type { ProfileFields } from '../../storage/profiles.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { PduChecks } from '../pdus.ts'
import type { RoomAccess } from './access.ts'

export interface InboundInvitesParts {
  serverName: ServerName
  signingKey: SigningKey
  rooms: Rooms
  profileFields: Pick<ProfileFields, 'ofUser'>
  invites: Pick<Invites, 'assertAccepts'>
  outOfBand: Pick<OutOfBand, 'record'>
  access: RoomAccess
  pduChecks: PduChecks
}

export interface ReceivedInvite {
  readonly roomId: RoomId
  /** Of the path. */
  readonly eventId: string
  readonly version: string
  readonly pdu: Pdu
  readonly roomState: readonly Json[]
}

export class InboundInvites {
  readonly #parts: InboundInvitesParts

  constructor(parts: InboundInvitesParts) {
    this.#parts = parts
  }

  /**
   * Takes in an invite of one of our users; gives its PDU with our signature.
   * @throws {MatrixError} M_INCOMPATIBLE_ROOM_VERSION, M_INVALID_PARAM, M_FORBIDDEN, M_INVITE_BLOCKED
   */
  async receive(origin: ServerName, invite: ReceivedInvite): Promise<Pdu> {
    const { serverName, signingKey, rooms, access, outOfBand } = this.#parts
    const rules = roomRules(invite.version)
    if (!rules) throw incompatibleRoomVersion(invite.version)
    const { target, read } = this.#read(origin, rules, invite)
    const room = await rooms.find(read.roomId)
    if (room && room.rules.version !== rules.version) throw invalidParam(`The room is of version ${room.rules.version}`)
    if (room) await access.assertAllowed(origin, room)
    await this.#assertInvitable(target, read.sender)
    const event = await this.#verified(read)
    const strippedState = await this.#strippedState(event, invite.roomState)
    const pdu = signEvent(event.pdu, rules, serverName, signingKey)
    // Where this server is in the room, the invite also comes as one of the room's events.
    if (!room || !(await access.isIn(serverName, room))) await outOfBand.record({ ...event, pdu }, 'invite', strippedState)
    return pdu
  }

  #read(origin: ServerName, rules: RoomRules, { roomId, eventId, pdu }: ReceivedInvite): { target: UserId; read: Event } {
    const parsed = parseEvent(pdu, rules)
    if ('refused' in parsed) throw badJson(`The event is refused: ${parsed.refused}`)
    const { event } = parsed
    const { stateKey: target = '' } = event
    if (event.roomId !== roomId) throw invalidParam('The event is of another room')
    if (event.eventId !== eventId) throw invalidParam(`The event has the ID ${event.eventId}`)
    if (event.type !== 'm.room.member' || stringAt(event.content, 'membership') !== 'invite')
      throw invalidParam('The event is no invite')
    if (serverOf(event.sender) !== origin) throw forbidden(`${origin} may not send invites of ${event.sender}`)
    if (!isUserId(target) || serverOf(target) !== this.#parts.serverName)
      throw invalidParam(`${target} is not a user of this server`)
    return { target, read: event }
  }

  async #assertInvitable(target: UserId, sender: UserId): Promise<void> {
    if ((await this.#parts.profileFields.ofUser(target)) === undefined) throw forbidden(`There is no user ${target}`)
    await this.#parts.invites.assertAccepts(target, sender)
  }

  async #verified({ pdu, rules }: Event): Promise<Event> {
    const [checked] = await this.#parts.pduChecks.each([pdu], rules)
    if (checked === undefined || 'refused' in checked) throw forbidden(checked?.refused)
    if (checked.event.unauthorised !== undefined) throw forbidden(checked.event.unauthorised)
    return checked.event
  }

  /**
   * What the invited user's clients get to know of the room. Since room version 12 it must be whole events of that room with
   * the create event among them; before, servers may send less, and nothing vouches for it.
   */
  async #strippedState({ roomId, rules }: Event, roomState: readonly Json[]): Promise<JsonObject[]> {
    if (!rules.roomIdIsCreateHash) return strippedOf(roomState)
    const checked = await this.#parts.pduChecks.each(roomState, rules)
    const genuine = checked.flatMap((result) => ('event' in result ? [result.event] : []))
    const events = genuine.filter((event) => event.roomId === roomId && event.unauthorised === undefined)
    if (events.length < checked.length) throw invalidParam('invite_room_state holds what is no event of this room')
    if (!events.some(({ type, stateKey }) => type === 'm.room.create' && stateKey === ''))
      throw invalidParam('invite_room_state lacks the create event')
    return strippedOf(events.map(({ pdu }) => pdu))
  }
}

/** State events in the form that clients get. */
export function strippedOf(state: readonly Json[]): JsonObject[] {
  return state.flatMap((event) => {
    if (!isJsonObject(event)) return []
    const { type, state_key: stateKey, sender, content } = event
    const isState =
      typeof type === 'string' && typeof stateKey === 'string' && typeof sender === 'string' && isJsonObject(content)
    return isState ? [{ type, state_key: stateKey, sender, content }] : []
  })
}
