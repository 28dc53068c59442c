/** Permission questions about rooms, each a function that throws the error to answer with. */
import type { RoomId } from '../../schemas/ids.ts'
import { forbidden, notFound, userSuspended } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { PowerLevels } from '../protocol/power-levels.ts'
import type { Memberships, MembershipRecord } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'

/** The room, or 403: a room that we do not know and one that the user is not in look alike from outside. */
export async function knownRoom(rooms: Rooms, roomId: RoomId): Promise<Room> {
  const room = await rooms.find(roomId)
  if (!room) throw notInRoom(roomId)
  return room
}

/** As `knownRoom`, for what concerns only those who are in the room or have had to do with it: to all others it is unknown. */
export async function ownRoom(
  { rooms, memberships }: { readonly rooms: Rooms; readonly memberships: Memberships },
  roomId: RoomId,
  userNid: number,
): Promise<Room> {
  const room = await knownRoom(rooms, roomId)
  if (!(await memberships.get(room.nid, userNid))) throw notInRoom(roomId)
  return room
}

/** The user's membership, which must be `join`. */
export async function assertJoined(memberships: Memberships, room: Room, userNid: number): Promise<MembershipRecord> {
  const record = await memberships.get(room.nid, userNid)
  if (record?.membership !== 'join') throw notInRoom(room.roomId)
  return record
}

/** Suspended users may read, leave rooms, and redact what they have sent; nothing else in rooms. */
export function assertNotSuspended(requester: Pick<Requester, 'isSuspended'>): void {
  if (requester.isSuspended === true) throw userSuspended()
}

/** Users redact their own events; those of others need the redact level. */
export function assertMayRedact(requester: Requester, levels: PowerLevels, target: { sender: string }): void {
  if (target.sender === requester.userId) return
  assertNotSuspended(requester)
  if (levels.of(requester.userId) < levels.redact) throw forbidden("You may not redact other users' events in this room")
}

/** Whether `assertMayRedact` has no objection. */
export function mayRedact(requester: Requester, levels: PowerLevels, target: { sender: string }): boolean {
  if (target.sender === requester.userId) return true
  return requester.isSuspended !== true && levels.of(requester.userId) >= levels.redact
}

/** MSC2815: who may redact events may read them when they are redacted; server admins as well. */
export function assertMayReadRedacted({ userId, isAdmin }: Requester, levels: PowerLevels): void {
  if (!isAdmin && levels.of(userId) < levels.redact) throw forbidden('You may not read redacted events in this room')
}

/** The same words for whatever room: they do not tell whether there is one. */
const notInRoom = (roomId: RoomId) => forbidden(`You are not in the room ${roomId}`)

export const noSuchEvent = (eventId: string) => notFound(`There is no event ${eventId} that you may see`)
