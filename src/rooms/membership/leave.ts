/** https://spec.matrix.org/v1.19/client-server-api/#leaving-rooms */
import type { EventId, RoomId, ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { MatrixError, notLeft } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import type { Database } from '../../storage/database.ts'
import type { Events } from '../../storage/events.ts'
import type { MembershipRecord, Memberships } from '../../storage/memberships.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { RoomHeads } from '../heads.ts'
import type { OutOfBand } from '../out-of-band.ts'
import { ownRoom } from '../policy.ts'
import type { RemoteRooms } from '../remote.ts'
import { isResident } from '../residence.ts'
import type { EventSender } from '../send.ts'
import { candidateServers } from './candidates.ts'

export interface DeparturesParts {
  serverName: ServerName
  db: Database
  events: Events
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  sender: EventSender
  outOfBand: OutOfBand
  remote: Pick<RemoteRooms, 'leave'>
}

type Leaver = Pick<Requester, 'userId' | 'userNid'>

export class Departures {
  readonly #parts: DeparturesParts

  constructor(parts: DeparturesParts) {
    this.#parts = parts
  }

  /**
   * Leaves a room, rejects an invite, or takes a knock back. What our user has got from a room elsewhere ends in any case,
   * whether the servers of that room answer or not.
   * @param given further content of the member event: `reason`
   */
  async leave(leaver: Leaver, roomId: RoomId, given: JsonObject = {}): Promise<EventId> {
    const { memberships, sender } = this.#parts
    const room = await ownRoom(this.#parts, roomId, leaver.userNid)
    const record = await memberships.get(room.nid, leaver.userNid)
    const { userId } = leaver
    if (isOutstanding(record) && !(await isResident(this.#parts, room)))
      return this.#leaveFromOutside(room, leaver, record, given)
    const content = { ...given, membership: 'leave' }
    return (await sender.send(room, { sender: userId, type: 'm.room.member', stateKey: userId, content })).eventId
  }

  /** Hides a room that the user has left, until they have to do with it again. A room that they never were in is no matter. */
  async forget({ userNid }: Leaver, roomId: RoomId): Promise<void> {
    const { db, rooms, memberships } = this.#parts
    const room = await rooms.find(roomId)
    const record = room && (await memberships.get(room.nid, userNid))
    if (!record || record.forgotten) return
    if (record.membership !== 'leave' && record.membership !== 'ban') throw notLeft()
    await db.write((batch) => memberships.forget(batch, record.roomNid, userNid), record.roomNid)
  }

  async #leaveFromOutside(
    room: Room,
    { userId, userNid }: Leaver,
    record: MembershipRecord,
    given: JsonObject,
  ): Promise<EventId> {
    const { remote, outOfBand, events } = this.#parts
    const via = await candidateServers(this.#parts, room.roomId, userNid)
    try {
      const event = await remote.leave({ roomId: room.roomId, userId, via, content: given })
      await outOfBand.record(event, 'leave')
      return event.eventId
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
      return outOfBand.leaveAlone(await events.pdu(record.eventNid), userId, given)
    }
  }
}

/** Invites and knocks can be ended from outside of the room. */
function isOutstanding(record: MembershipRecord | undefined): record is MembershipRecord {
  return record?.membership === 'invite' || record?.membership === 'knock'
}
