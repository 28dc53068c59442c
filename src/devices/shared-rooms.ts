import type { ServerName, UserId } from '../../schemas/ids.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'

export interface SharedRoomsParts {
  serverName: ServerName
  names: Names
  memberships: Memberships
}

/** Who is in a room with whom. */
export class SharedRooms {
  readonly #parts: SharedRoomsParts

  constructor(parts: SharedRoomsParts) {
    this.#parts = parts
  }

  /** The rooms that a user is joined to. */
  async of(userNid: number): Promise<number[]> {
    const records = await this.#parts.memberships.ofUser(userNid)
    return [...records.values()].filter(({ membership }) => membership === 'join').map(({ roomNid }) => roomNid)
  }

  /** The other servers in these rooms. */
  async otherServers(roomNids: readonly number[]): Promise<Set<ServerName>> {
    const servers = new Set<ServerName>()
    for (const roomNid of roomNids)
      for (const server of (await this.#parts.memberships.members(roomNid)).servers.keys()) servers.add(server)
    servers.delete(this.#parts.serverName)
    return servers
  }

  /** How many of our users are joined to a room. */
  async localMembers(roomNid: number): Promise<number> {
    return (await this.#parts.memberships.members(roomNid)).servers.get(this.#parts.serverName) ?? 0
  }

  /** Whether a user of another server shares a room with one of ours: only then its server tells us of changes. */
  async isWithUs(userId: UserId): Promise<boolean> {
    const userNid = await this.#parts.names.find(userId)
    if (userNid === undefined) return false
    for (const roomNid of await this.of(userNid)) if ((await this.localMembers(roomNid)) > 0) return true
    return false
  }
}
