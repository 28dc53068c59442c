/** https://spec.matrix.org/v1.19/client-server-api/#joining-rooms */
import type { EventId, RoomId, ServerName } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { forbidden, guestForbidden, notFound } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import type { Database } from '../../storage/database.ts'
import type { Events } from '../../storage/events.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { GuestAccess } from '../guest-access.ts'
import type { RoomHeads } from '../heads.ts'
import { assertNotSuspended } from '../policy.ts'
import type { RemoteRooms } from '../remote.ts'
import { isResident } from '../residence.ts'
import type { EventSender, Sending } from '../send.ts'
import type { RoomStates } from '../state.ts'
import type { RoomSuccession } from '../succession.ts'
import { candidateServers } from './candidates.ts'
import { memberContent, type ProfileSource } from './member-content.ts'
import type { RestrictedJoins } from './restricted.ts'

export interface JoinsParts {
  serverName: ServerName
  db: Database
  events: Events
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  profileFields: ProfileSource
  restricted: RestrictedJoins
  guests: GuestAccess
  succession: RoomSuccession
  remote: Pick<RemoteRooms, 'join'>
}

export interface JoinOptions {
  /** Servers that the client believes to be in the room. */
  readonly via?: readonly ServerName[]
  /** Further content of the member event, `reason` among it. */
  readonly given?: JsonObject
}

/** A join that this server makes by itself, or the servers that must be asked for it. */
type Attempt = Sending | { readonly askAt: readonly ServerName[] }

export class Joins {
  readonly #parts: JoinsParts

  constructor(parts: JoinsParts) {
    this.#parts = parts
  }

  /**
   * Joins the requester to a room, here or elsewhere; resolves when the join is visible. Who is in the room already stays so.
   * @returns the id of the member event
   * @throws {MatrixError} M_FORBIDDEN, M_NOT_FOUND where nobody can be asked for the room, and what other servers refuse with
   */
  async join(requester: Requester, roomId: RoomId, { via = [], given = {} }: JoinOptions = {}): Promise<EventId> {
    assertNotSuspended(requester)
    const room = await this.#parts.rooms.find(roomId)
    if (!room || !(await isResident(this.#parts, room))) return this.#joinThroughOthers(requester, roomId, via, given)
    const attempt = await this.#parts.heads.locked(roomId, () => this.#attempt(room, requester, given))
    if ('askAt' in attempt) return this.#joinThroughOthers(requester, roomId, [...attempt.askAt, ...via], given)
    const { eventId } = await attempt.finish()
    await this.#parts.succession.follow(requester, room)
    return eventId
  }

  async #attempt(room: Room, requester: Requester, given: JsonObject): Promise<Attempt> {
    const { db, heads, states, sender, profileFields, restricted, guests } = this.#parts
    const { userId } = requester
    const { stateRoot } = await heads.get(room)
    const current = await states.get(stateRoot, 'm.room.member', userId)
    if (current?.content['membership'] === 'join' && Object.keys(given).length === 0)
      return { finish: () => db.write(() => {}, room.nid).then(() => current) }
    if (requester.isGuest && !(await guests.isOpen(stateRoot))) throw guestForbidden('Guests may not join this room')
    const content = await memberContent(profileFields, userId, 'join', given)
    const authorisation = await restricted.authorisation(room, stateRoot, userId)
    if (authorisation.kind === 'elsewhere') return { askAt: authorisation.servers }
    if (authorisation.kind === 'refused' || authorisation.kind === 'unknown')
      throw forbidden('You meet none of the conditions for joining this room')
    if (authorisation.kind === 'authorised') content['join_authorised_via_users_server'] = authorisation.by
    return sender.begin(room, { sender: userId, type: 'm.room.member', stateKey: userId, content })
  }

  async #joinThroughOthers(joiner: Requester, roomId: RoomId, named: readonly ServerName[], given: JsonObject): Promise<EventId> {
    const { remote, rooms, memberships, events, profileFields, succession } = this.#parts
    const { userId, userNid, isGuest } = joiner
    const via = await candidateServers(this.#parts, roomId, userNid, named)
    if (via.length === 0) throw notFound('No server is known that has this room')
    const { membership: _membership, ...content } = await memberContent(profileFields, userId, 'join', given)
    await remote.join({ roomId, userId, via, content })
    const room = await rooms.find(roomId)
    const record = room && (await memberships.get(room.nid, userNid))
    if (!record) throw new Error(`the join of ${roomId} through other servers has left no membership`)
    // The other server cannot know that the user is a guest, and we have not known the room's state before.
    if (isGuest) await this.#leaveIfClosed(room)
    await succession.follow(joiner, room)
    return (await events.get(record.eventNid)).eventId
  }

  async #leaveIfClosed(room: Room): Promise<void> {
    const { heads, guests } = this.#parts
    if (await guests.isOpen((await heads.get(room)).stateRoot)) return
    await guests.apply(room)
    throw guestForbidden('Guests may not join this room')
  }
}
