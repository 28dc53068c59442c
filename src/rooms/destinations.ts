import { serverOf, type ServerName } from '../../schemas/ids.ts'
import type { Event } from '../protocol/event.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'

export interface DestinationsParts {
  serverName: ServerName
  memberships: Memberships
}

/**
 * The servers that an event has to be sent to: the others of the room, and that of the user whose membership changes; it has
 * been handed invites before.
 * @param isNew nobody has it yet: not even the server of its sender, where we have made it in the name of a user elsewhere
 */
export async function destinationsOf(
  { serverName, memberships }: DestinationsParts,
  room: Room,
  event: Event,
  isNew: boolean,
): Promise<ServerName[]> {
  const { servers } = await memberships.members(room.nid)
  if (servers.size <= 1 && event.type !== 'm.room.member') return servers.has(serverName) ? [] : [...servers.keys()]
  const destinations = new Set(servers.keys())
  const isInvite = event.content['membership'] === 'invite'
  if (event.type === 'm.room.member' && event.stateKey !== undefined && !isInvite) destinations.add(serverOf(event.stateKey))
  destinations.delete(serverName)
  if (!isNew) destinations.delete(serverOf(event.sender))
  return [...destinations]
}
