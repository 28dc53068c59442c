import type { ServerName } from '../../schemas/ids.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'

export interface ResidenceParts {
  serverName: ServerName
  memberships: Memberships
  heads: RoomHeads
}

/**
 * Whether this server can add to the room by itself: it has the room's events, and is in it or nobody is. Where it has left
 * others behind, or knows the room from an invite only, it has to ask one of them.
 */
export async function isResident({ serverName, memberships, heads }: ResidenceParts, room: Room): Promise<boolean> {
  if ((await heads.get(room)).extremities.length === 0) return false
  const { servers } = await memberships.members(room.nid)
  return servers.size === 0 || servers.has(serverName)
}
