/** Invites by an address outside of Matrix. https://spec.matrix.org/v1.19/client-server-api/#third-party-invites */
import { isUserId, type RoomId, type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, stringAt } from '../../schemas/json.ts'
import { badGateway, forbidden, invalidParam } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Requester } from '../core/requester.ts'
import { keysThatSigned } from '../protocol/event-auth/third-party-invite.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { IdentityServer, IdentityServers } from '../users/identity-servers.ts'
import type { RoomHeads } from './heads.ts'
import type { Invites } from './membership/invite.ts'
import { memberContent, type ProfileSource, shownProfile } from './membership/member-content.ts'
import { assertNotSuspended, ownRoom } from './policy.ts'
import { isResident } from './residence.ts'
import type { Draft, EventSender } from './send.ts'
import type { RoomStates } from './state.ts'

const TYPE = 'm.room.third_party_invite'

/** What a client asks for. */
export interface AddressInvite {
  readonly id_server: string
  readonly id_access_token?: string
  readonly medium: string
  readonly address: string
}

/** The invite of a user of another server, which that server is to send. */
export interface InviteExchange {
  readonly type: string
  readonly room_id: RoomId
  readonly sender: UserId
  readonly state_key: UserId
  readonly content: JsonObject
}

/** What an identity server says once somebody has proven to have an invited address. */
export interface BoundInvite {
  readonly room_id: RoomId
  readonly sender: UserId
  /** With `mxid`, `token` and `signatures`. */
  readonly signed: JsonObject
}

export interface ThirdPartyInvitesParts {
  serverName: ServerName
  rooms: Rooms
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  invites: Invites
  profileFields: ProfileSource
  identityServers: IdentityServers
  logger?: Logger | undefined
  /** Asks the server of an invite's sender to send it. */
  exchangeAt: (server: ServerName, invite: InviteExchange) => Promise<void>
}

export class ThirdPartyInvites {
  readonly #parts: ThirdPartyInvitesParts

  constructor(parts: ThirdPartyInvitesParts) {
    this.#parts = parts
  }

  /**
   * Invites whoever has an address: at once where the identity server knows them, else when they prove to have it.
   * @param given further content of the invite: `reason`, `is_direct`
   * @throws {MatrixError} M_FORBIDDEN, M_INVALID_PARAM, or 502 where the identity server does not answer
   */
  async invite(requester: Requester, roomId: RoomId, invite: AddressInvite, given: JsonObject = {}): Promise<void> {
    assertNotSuspended(requester)
    if (invite.medium !== 'email' && invite.medium !== 'msisdn') throw invalidParam(`There is no medium ${invite.medium}`)
    const { rooms, memberships, heads, sender, invites, identityServers } = this.#parts
    const room = await ownRoom({ rooms, memberships }, roomId, requester.userNid)
    // No identity server is told of an invite that is not allowed.
    await heads.locked(roomId, () => sender.build(room, { sender: requester.userId, type: TYPE, stateKey: '?', content: {} }))
    const server = { idServer: invite.id_server, accessToken: invite.id_access_token }
    const { medium, address } = invite
    const userId = await identityServers.lookUp(server, { medium, address })
    if (userId !== undefined) await invites.invite(requester, roomId, userId, given)
    else await sender.send(room, await this.#stored(room, requester.userId, server, { medium, address }))
  }

  /** As `invite`, to a new room: that is there whatever becomes of the invites, and the client has to learn that it is. */
  async inviteAll(requester: Requester, roomId: RoomId, invites: readonly AddressInvite[], given: JsonObject): Promise<void> {
    for (const invite of invites) {
      await this.invite(requester, roomId, invite, given).catch((err: unknown) => {
        this.#parts.logger?.warn({ err, roomId }, 'Somebody could not be invited to a new room by their address')
      })
    }
  }

  /** Accepts an invite for a user of ours, with what an identity server has signed. Throws M_FORBIDDEN. */
  async accept({ room_id: roomId, sender, signed }: BoundInvite): Promise<void> {
    const target = stringAt(signed, 'mxid')
    if (target === undefined || !isUserId(target) || serverOf(target) !== this.#parts.serverName) {
      throw forbidden('The invite is not for a user of this server')
    }
    const room = await this.#parts.rooms.find(roomId)
    const isFromHere = serverOf(sender) === this.#parts.serverName
    if (isFromHere && !room) throw forbidden('There is no such room')
    // If the invited homeserver is in the room the invite came from, it can auth the event and send it.
    if (room && (isFromHere || (await isResident(this.#parts, room)))) return this.send(room, sender, target, signed)
    const content = { membership: 'invite', third_party_invite: { display_name: target, signed } }
    await this.#parts.exchangeAt(serverOf(sender), { type: 'm.room.member', room_id: roomId, sender, state_key: target, content })
  }

  /** As `accept`, for all invites of an address: one that is refused does not keep the others from being sent. */
  async acceptAll(invites: readonly BoundInvite[]): Promise<void> {
    const refusals: unknown[] = []
    for (const invite of invites) await this.accept(invite).catch((cause: unknown) => refusals.push(cause))
    if (refusals.length > 0) throw refusals[0]
  }

  /** Sends the invite of a user, of ours or elsewhere, to the user who has proven to have the address. Throws M_FORBIDDEN. */
  async send(room: Room, sender: UserId, target: UserId, signed: JsonObject): Promise<void> {
    const { heads, states, invites, profileFields } = this.#parts
    const { stateRoot } = await heads.get(room)
    const invite = await states.get(stateRoot, TYPE, stringAt(signed, 'token') ?? '')
    if (!invite || invite.sender !== sender) throw forbidden('There is no such invite')
    const member = await states.get(stateRoot, 'm.room.member', target)
    if (member?.content['membership'] === 'join' || member?.content['membership'] === 'invite') return
    await this.#assertKeyIsGood(signed, invite.content)
    await invites.assertAccepts(target, sender)
    const third = { display_name: stringAt(invite.content, 'display_name') ?? '', signed }
    const content = { ...(await memberContent(profileFields, target, 'invite')), third_party_invite: third }
    await invites.send(room, { sender, type: 'm.room.member', stateKey: target, content })
  }

  async #assertKeyIsGood(signed: JsonObject, content: JsonObject): Promise<void> {
    for (const { publicKey, validityUrl } of keysThatSigned(signed, content)) {
      if (validityUrl === undefined || (await this.#parts.identityServers.isKeyValid(validityUrl, publicKey))) return
    }
    throw forbidden('No key of the invite that is still good has signed this')
  }

  /** Has the identity server keep the invite; the event with which it can be accepted. */
  async #stored(
    room: Room,
    sender: UserId,
    server: IdentityServer,
    address: { medium: string; address: string },
  ): Promise<Draft> {
    const about = await this.#about(room, sender)
    const stored = await this.#parts.identityServers.storeInvite(server, { ...about, ...address, sender, room_id: room.roomId })
    const { token, display_name: displayName, public_keys: listed } = stored
    const keys = Array.isArray(listed) ? listed.filter((key) => isJsonObject(key)) : []
    const [first] = keys
    if (typeof token !== 'string' || first === undefined) throw badGateway('The identity server has given no token and keys')
    const content: JsonObject = {
      display_name: typeof displayName === 'string' ? displayName : '',
      public_key: first['public_key'] ?? '',
      key_validity_url: first['key_validity_url'] ?? '',
      public_keys: keys,
    }
    return { sender, type: TYPE, stateKey: token, content }
  }

  /** What the identity server tells the invited person of the room and of who invites. */
  async #about(room: Room, sender: UserId): Promise<JsonObject> {
    const { heads, states, profileFields } = this.#parts
    const { stateRoot } = await heads.get(room)
    const profile = await shownProfile(profileFields, sender)
    const found: Record<string, string | undefined> = {
      room_name: stringAt(await states.content(stateRoot, 'm.room.name'), 'name'),
      room_alias: stringAt(await states.content(stateRoot, 'm.room.canonical_alias'), 'alias'),
      room_avatar_url: stringAt(await states.content(stateRoot, 'm.room.avatar'), 'url'),
      room_join_rules: stringAt(await states.content(stateRoot, 'm.room.join_rules'), 'join_rule'),
      room_type: stringAt(await states.content(stateRoot, 'm.room.create'), 'type'),
      sender_display_name: stringAt(profile, 'displayname'),
      sender_avatar_url: stringAt(profile, 'avatar_url'),
    }
    return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined))
  }
}
