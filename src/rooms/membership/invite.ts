/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite */
import { type EventId, type RoomId, type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import { forbidden, inviteBlocked } from '../../core/errors.ts'
import type { Requester } from '../../core/requester.ts'
import type { Event } from '../../protocol/event.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { InvitePermissions } from '../../users/invite-permissions.ts'
import { allowedIn } from '../allowed.ts'
import type { RoomHeads } from '../heads.ts'
import type { EventWriter, Persisted } from '../persist.ts'
import type { PolicyServers } from '../policy-servers.ts'
import { assertNotSuspended, ownRoom } from '../policy.ts'
import type { RemoteRooms } from '../remote.ts'
import type { Draft, EventSender } from '../send.ts'
import type { RoomStates } from '../state.ts'
import { memberContent, type ProfileSource } from './member-content.ts'

export interface InvitesParts {
  serverName: ServerName
  names: Names
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  writer: EventWriter
  policyServers: Pick<PolicyServers, 'signed'>
  profileFields: ProfileSource
  invitePermissions: Pick<InvitePermissions, 'ruleFor'>
  remote: Pick<RemoteRooms, 'invite'>
}

export class Invites {
  readonly #parts: InvitesParts

  constructor(parts: InvitesParts) {
    this.#parts = parts
  }

  /**
   * Invites a user, here or elsewhere.
   * @param given further content: `reason`, `is_direct`, or what a client puts into the member event itself
   * @throws {MatrixError} M_FORBIDDEN, M_INVITE_BLOCKED, M_UNSUPPORTED_ROOM_VERSION, or 502 where the user's server does not answer
   */
  async invite(requester: Requester, roomId: RoomId, target: UserId, given: JsonObject = {}): Promise<EventId> {
    assertNotSuspended(requester)
    const room = await ownRoom(this.#parts, roomId, requester.userNid)
    await this.assertAccepts(target, requester.userId)
    return this.inviteTo(room, requester.userId, target, given)
  }

  /** The same for a room at hand and a target that is known to accept invites. */
  async inviteTo(room: Room, sender: UserId, target: UserId, given: JsonObject): Promise<EventId> {
    return this.send(room, await this.draft(sender, target, given))
  }

  /** Sends an invite event as it is. */
  async send(room: Room, draft: Draft & { readonly stateKey: UserId }): Promise<EventId> {
    if (this.isLocal(draft.stateKey)) return (await this.#parts.sender.send(room, draft)).eventId
    return this.#inviteElsewhere(room, draft)
  }

  /** The invite event to be. */
  async draft(sender: UserId, target: UserId, given: JsonObject): Promise<Draft & { stateKey: UserId }> {
    const content = await memberContent(this.#parts.profileFields, target, 'invite', given)
    return { sender, type: 'm.room.member', stateKey: target, content }
  }

  isLocal(target: UserId): boolean {
    return serverOf(target) === this.#parts.serverName
  }

  /** Throws M_INVITE_BLOCKED where a user of ours wants no invites of the sender. Users elsewhere are for their servers to ask. */
  async assertAccepts(target: UserId, sender: UserId): Promise<void> {
    if (!this.isLocal(target)) return
    const { names, invitePermissions } = this.#parts
    const userNid = await names.find(target)
    if (userNid !== undefined && (await invitePermissions.ruleFor(userNid, sender)) === 'block') throw inviteBlocked()
  }

  /** The user's server has to sign the invite before it is added to the room. */
  async #inviteElsewhere(room: Room, draft: Draft): Promise<EventId> {
    const { heads, states, sender, policyServers, remote } = this.#parts
    const { event, stateRoot: root } = await heads.locked(room.roomId, async () => {
      const { stateRoot } = await heads.get(room)
      const create = await states.content(stateRoot, 'm.room.create')
      if (create['m.federate'] === false) throw forbidden('The room is closed to users of other servers')
      return sender.prepare(room, draft)
    })
    const signed = await remote.invite(room, await policyServers.signed(room, event), root)
    const { stored, written } = await heads.locked(room.roomId, () => this.#accept(room, signed, root))
    await written
    return stored.eventId
  }

  /** The room may have changed while the other server was asked. */
  async #accept(room: Room, event: Event, stateBefore: number): Promise<Persisted> {
    const { heads, states, writer } = this.#parts
    const { stateRoot } = await heads.get(room)
    const verdict = stateRoot === stateBefore ? undefined : await allowedIn(states, stateRoot, event)
    if (verdict?.allowed === false) throw forbidden(verdict.why)
    return writer.accept(room, event, stateBefore, { forward: true })
  }
}
