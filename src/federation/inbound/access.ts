/** Which servers may ask about a room, or add to it: permission questions, each with the error to answer with. */
import type { RoomId, ServerName } from '../../../schemas/ids.ts'
import { forbidden, notFound } from '../../core/errors.ts'
import { isServerAllowed, type ServerAcl, serverAclOf } from '../../protocol/server-acl.ts'
import type { RoomHeads } from '../../rooms/heads.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'

export interface RoomAccessParts {
  serverName: ServerName
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
}

export class RoomAccess {
  readonly #parts: RoomAccessParts
  readonly #acls = new WeakMap<StoredEvent, ServerAcl>()

  constructor(parts: RoomAccessParts) {
    this.#parts = parts
  }

  /** A room that this server is in, for a server that its access control list lets in. Throws M_NOT_FOUND, M_FORBIDDEN. */
  async room(origin: ServerName, roomId: RoomId): Promise<Room> {
    const room = await this.#parts.rooms.find(roomId)
    if (!room || !(await this.isIn(this.#parts.serverName, room))) throw notFound(`This server is not in the room ${roomId}`)
    await this.assertAllowed(origin, room)
    return room
  }

  /** A room that both servers are in. Throws M_NOT_FOUND, M_FORBIDDEN. */
  async sharedRoom(origin: ServerName, roomId: RoomId): Promise<Room> {
    const room = await this.room(origin, roomId)
    if (!(await this.isIn(origin, room))) throw forbidden(`${origin} is not in the room ${roomId}`)
    return room
  }

  /** Whether a user of the server is joined. */
  async isIn(server: ServerName, room: Room): Promise<boolean> {
    return (await this.#parts.memberships.members(room.nid)).servers.has(server)
  }

  /** Whether the access control list of the room lets a server take part. */
  async isAllowed(origin: ServerName, room: Room): Promise<boolean> {
    const { heads, states } = this.#parts
    const event = await states.get((await heads.get(room)).stateRoot, 'm.room.server_acl')
    if (!event) return true
    const acl = this.#acls.get(event) ?? serverAclOf(event.content)
    this.#acls.set(event, acl)
    return isServerAllowed(acl, origin)
  }

  async assertAllowed(origin: ServerName, room: Room): Promise<void> {
    if (!(await this.isAllowed(origin, room))) throw forbidden(`The room's access control list denies ${origin}`)
  }
}
