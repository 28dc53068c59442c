/** Leaving and knocking on rooms that this server is not in, and inviting users of other servers. */
import { type ServerName, serverOf } from '../../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt } from '../../../schemas/json.ts'
import { sendInviteV1 } from '../../../schemas/server/invites-v1.ts'
import { sendInviteV2 } from '../../../schemas/server/invites-v2.ts'
import { makeKnock, sendKnock } from '../../../schemas/server/knocks.ts'
import { makeLeave, sendLeaveV1 } from '../../../schemas/server/leaving-v1.ts'
import { sendLeaveV2 } from '../../../schemas/server/leaving-v2.ts'
import { badJson, unsupportedRoomVersion } from '../../core/errors.ts'
import { parseEvent } from '../../protocol/event-format.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import { knownRoomVersions } from '../../protocol/room-versions.ts'
import { withSignatures } from '../../protocol/signing.ts'
import type { Knocked, RemoteMembership } from '../../rooms/remote.ts'
import type { Room } from '../../storage/rooms.ts'
import { FOR_A_USER, type FederationClient } from '../client.ts'
import { strippedOf } from '../inbound/invites.ts'
import type { ServedEvents } from '../inbound/served-events.ts'
import type { SignedPdus } from '../sender/signed-pdus.ts'
import { inTurn, lacksEndpoint } from './in-turn.ts'
import { malformed, type Templates } from './templates.ts'

export interface OutboundMembershipsParts {
  client: Pick<FederationClient, 'call'>
  templates: Templates
  served: ServedEvents
  signedPdus: SignedPdus
}

export class OutboundMemberships {
  readonly #parts: OutboundMembershipsParts

  constructor(parts: OutboundMembershipsParts) {
    this.#parts = parts
  }

  /** As `RemoteRooms.leave`. */
  leave({ roomId, userId, via, content }: RemoteMembership): Promise<Event> {
    const { client, templates } = this.#parts
    return inTurn(via, async (server) => {
      const template = await client.call(makeLeave, server, { params: { roomId, userId } }, FOR_A_USER)
      const event = templates.fill(server, template, { roomId, userId, membership: 'leave', content })
      const input = { params: { roomId, eventId: event.eventId }, body: event.pdu }
      try {
        await client.call(sendLeaveV2, server, input, FOR_A_USER)
      } catch (cause) {
        if (!lacksEndpoint(cause)) throw cause
        await client.call(sendLeaveV1, server, input, FOR_A_USER)
      }
      return event
    })
  }

  /** As `RemoteRooms.knock`. */
  knock({ roomId, userId, via, content }: RemoteMembership): Promise<Knocked> {
    const { client, templates } = this.#parts
    return inTurn(via, async (server) => {
      const input = { params: { roomId, userId }, query: { ver: [...knownRoomVersions] } }
      const template = await client.call(makeKnock, server, input, FOR_A_USER)
      const event = templates.fill(server, template, { roomId, userId, membership: 'knock', content })
      const sent = { params: { roomId, eventId: event.eventId }, body: event.pdu }
      const { knock_room_state: state } = await client.call(sendKnock, server, sent, FOR_A_USER)
      return { event, strippedState: strippedOf(state) }
    })
  }

  /** As `RemoteRooms.invite`. */
  async invite(room: Room, event: Event, stateRoot: number): Promise<Event> {
    const { served, signedPdus } = this.#parts
    const server = serverOf(event.stateKey ?? '')
    const pdu = signedPdus.of(event)
    const answer = await this.#sendInvite(server, room, event, pdu, await served.strippedState(stateRoot, event.sender))
    const parsed = parseEvent(answer, room.rules)
    // Servers MUST strictly enforce the JSON format; this translates to a 400 M_BAD_JSON error on most endpoints.
    if ('refused' in parsed) throw badJson(`The invite that ${server} gave back is refused: ${parsed.refused}`)
    if (parsed.event.eventId !== event.eventId) throw malformed(server, 'it gave another event back than the invite')
    const added = objectAt(objectAt(answer, 'signatures') ?? {}, server)
    if (!added) throw malformed(server, 'it did not sign the invite')
    // As the room's policy server it may have signed before.
    return { ...event, pdu: withSignatures(pdu, server, added) }
  }

  async #sendInvite(
    server: ServerName,
    { roomId, rules }: Room,
    { eventId }: Event,
    pdu: Pdu,
    state: readonly Pdu[],
  ): Promise<JsonObject> {
    const { client } = this.#parts
    const params = { roomId, eventId }
    try {
      const body = { room_version: rules.version, event: pdu, invite_room_state: [...state] }
      return (await client.call(sendInviteV2, server, { params, body }, FOR_A_USER)).event
    } catch (cause) {
      if (!lacksEndpoint(cause)) throw cause
      // The older endpoint knows of no room versions.
      if (rules.eventIdFormat !== 'chosen') throw unsupportedRoomVersion(`${server} does not support the version of this room`)
      const body = { ...pdu, unsigned: { invite_room_state: [...state] } }
      const [, answer] = await client.call(sendInviteV1, server, { params, body }, FOR_A_USER)
      const event = isJsonObject(answer) ? objectAt(answer, 'event') : undefined
      if (!event) throw malformed(server, 'its answer to the invite (v1) is not a pair')
      return event
    }
  }
}
