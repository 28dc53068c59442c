/** https://spec.matrix.org/v1.19/client-server-api/#knocking-on-rooms */
import type { EventId, RoomId, ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { notFound } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { RoomHeads } from '../heads.ts'
import type { OutOfBand } from '../out-of-band.ts'
import { assertNotSuspended } from '../policy.ts'
import type { RemoteRooms } from '../remote.ts'
import { isResident } from '../residence.ts'
import type { EventSender } from '../send.ts'
import { candidateServers } from './candidates.ts'
import { memberContent, type ProfileSource } from './member-content.ts'

export interface KnocksParts {
  serverName: ServerName
  events: Events
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  sender: EventSender
  profileFields: ProfileSource
  outOfBand: OutOfBand
  remote: Pick<RemoteRooms, 'knock'>
}

export class Knocks {
  readonly #parts: KnocksParts

  constructor(parts: KnocksParts) {
    this.#parts = parts
  }

  /**
   * Asks to be invited to a room, here or elsewhere.
   * @param via servers that the client believes to be in the room
   * @param given further content of the member event: `reason`
   * @throws {MatrixError} M_FORBIDDEN, M_NOT_FOUND where nobody can be asked for the room
   */
  async knock(requester: Requester, roomId: RoomId, via: readonly ServerName[] = [], given: JsonObject = {}): Promise<EventId> {
    assertNotSuspended(requester)
    const { rooms, sender, profileFields } = this.#parts
    const { userId } = requester
    const room = await rooms.find(roomId)
    const content = await memberContent(profileFields, userId, 'knock', given)
    if (!room || !(await isResident(this.#parts, room))) return this.#knockElsewhere(requester, roomId, via, content)
    return (await sender.send(room, { sender: userId, type: 'm.room.member', stateKey: userId, content })).eventId
  }

  async #knockElsewhere(
    { userId, userNid }: Requester,
    roomId: RoomId,
    named: readonly ServerName[],
    { membership: _membership, ...content }: JsonObject,
  ): Promise<EventId> {
    const { remote, outOfBand } = this.#parts
    const via = await candidateServers(this.#parts, roomId, userNid, named)
    if (via.length === 0) throw notFound('No server is known that has this room')
    const { event, strippedState } = await remote.knock({ roomId, userId, via, content })
    await outOfBand.record(event, 'knock', strippedState)
    return event.eventId
  }
}
