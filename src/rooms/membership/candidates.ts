import { isServerName, type RoomId, type ServerName, serverOf } from '../../../schemas/ids.ts'
import { stringAt } from '../../../schemas/json.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'

/** No more servers are asked for one join, knock or leave. */
const MAX_CANDIDATES = 20

export interface CandidatesParts {
  serverName: ServerName
  rooms: Rooms
  events: Events
  memberships: Memberships
}

/**
 * Other servers that may help with a room that this server is not in, the likeliest first: those that the client names, then
 * those of the invite's sender and of the senders of its state, those that we know in the room, and the one in the room's id.
 */
export async function candidateServers(
  { serverName, rooms, events, memberships }: CandidatesParts,
  roomId: RoomId,
  userNid: number,
  named: readonly ServerName[] = [],
): Promise<ServerName[]> {
  const found = new Set<string>(named)
  const room = await rooms.find(roomId)
  if (room) {
    const record = await memberships.get(room.nid, userNid)
    if (record) found.add(serverOf((await events.get(record.eventNid)).sender))
    for (const event of await memberships.strippedState(room.nid, userNid)) {
      const sender = stringAt(event, 'sender')
      if (sender !== undefined) found.add(serverOf(sender))
    }
    for (const server of (await memberships.members(room.nid)).servers.keys()) found.add(server)
  }
  if (roomId.includes(':')) found.add(serverOf(roomId))
  found.delete(serverName)
  return [...found].filter(isServerName).slice(0, MAX_CANDIDATES)
}
