import { isUserId, serverOf, type ServerName } from '../../../schemas/ids.ts'
import { stringAt } from '../../../schemas/json.ts'
import type { Event } from '../../protocol/event.ts'
import type { OutOfBand } from '../../rooms/out-of-band.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { Rooms } from '../../storage/rooms.ts'

export interface RescindedInvitesParts {
  serverName: ServerName
  rooms: Rooms
  names: Names
  events: Events
  memberships: Memberships
  outOfBand: Pick<OutOfBand, 'record'>
}

/** Invites and knocks of our users that somebody in the room puts an end to, while this server is not in the room. */
export class RescindedInvites {
  readonly #parts: RescindedInvitesParts

  constructor(parts: RescindedInvitesParts) {
    this.#parts = parts
  }

  /**
   * Takes in a leave or ban of a user of ours; tells whether it was one. Without the room's state it cannot be authorised
   * properly: it must cite the invite or knock that it ends, whose id only those in the room and we know.
   */
  async take(event: Event): Promise<boolean> {
    const { serverName, rooms, names, memberships, events, outOfBand } = this.#parts
    const { type, stateKey = '', content, roomId } = event
    const membership = stringAt(content, 'membership')
    if (type !== 'm.room.member' || !isUserId(stateKey) || serverOf(stateKey) !== serverName) return false
    if (membership !== 'leave' && membership !== 'ban') return false
    const room = await rooms.find(roomId)
    const userNid = await names.find(stateKey)
    const record = room && userNid !== undefined ? await memberships.get(room.nid, userNid) : undefined
    if (record?.membership !== 'invite' && record?.membership !== 'knock') return false
    const { eventId } = await events.get(record.eventNid)
    if (!event.authEvents.includes(eventId)) return false
    await outOfBand.record(event, membership)
    return true
  }
}
