/** https://spec.matrix.org/v1.19/server-server-api/#joining-rooms, seen from the room. */
import { isUserId, type RoomId, serverOf, type ServerName, type UserId } from '../../../schemas/ids.ts'
import { type JsonObject, stringAt } from '../../../schemas/json.ts'
import { forbidden, unableToAuthoriseJoin, unableToGrantJoin } from '../../core/errors.ts'
import type { Event, Pdu } from '../../protocol/event.ts'
import { type SigningKey, signEvent } from '../../protocol/signing.ts'
import type { RoomHeads } from '../../rooms/heads.ts'
import type { Authorisation, RestrictedJoins } from '../../rooms/membership/restricted.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Room } from '../../storage/rooms.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { RoomAccess } from './access.ts'
import { assertKnownVersion, assertOwnUser, type Handshakes, type Submission } from './handshakes.ts'
import type { ServedEvents } from './served-events.ts'

export interface InboundJoinsParts {
  serverName: ServerName
  signingKey: SigningKey
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  access: RoomAccess
  handshakes: Handshakes
  restricted: Pick<RestrictedJoins, 'authorisation'>
  served: ServedEvents
}

/** A member event as another server has sent it. */
export interface SentEvent {
  readonly roomId: RoomId
  readonly eventId: string
  readonly pdu: Pdu
}

/** Who of a room without a name gives it one. */
const MAX_HEROES = 6
const NAMING: readonly string[] = ['m.room.name', 'm.room.canonical_alias']

export class InboundJoins {
  readonly #parts: InboundJoinsParts

  constructor(parts: InboundJoinsParts) {
    this.#parts = parts
  }

  /** Answers make_join. Throws M_FORBIDDEN, M_NOT_FOUND, M_INCOMPATIBLE_ROOM_VERSION, M_UNABLE_TO_AUTHORISE_JOIN, M_UNABLE_TO_GRANT_JOIN. */
  async template(
    origin: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<{ room_version: string; event: JsonObject }> {
    const { access, heads, restricted, handshakes } = this.#parts
    assertOwnUser(origin, userId)
    const room = await access.room(origin, roomId)
    assertKnownVersion(room, versions)
    const authorisation = await restricted.authorisation(room, (await heads.get(room)).stateRoot, userId)
    assertAuthorised(authorisation)
    const by = authorisation.kind === 'authorised' ? { join_authorised_via_users_server: authorisation.by } : {}
    return {
      room_version: room.rules.version,
      event: await handshakes.template(room, userId, { membership: 'join', ...by }),
    }
  }

  /**
   * Takes in a join; gives the answer to send_join as parts of a JSON text.
   * @param omitMembers leave out members, as far as the joining server can do without at first
   */
  async accept(origin: ServerName, { roomId, ...sent }: SentEvent, omitMembers: boolean): Promise<string[]> {
    const { access, handshakes } = this.#parts
    const room = await access.room(origin, roomId)
    const submission: Submission = { origin, room, ...sent }
    const read = handshakes.read(submission, 'join')
    const pdu = await this.#signed(room, read)
    const { event, stored } = await handshakes.accept(submission, pdu)
    return this.#answer(room, stored, pdu === read.pdu ? undefined : event, omitMembers)
  }

  /** The event's PDU, signed by us where one of our users is to vouch for the join. */
  async #signed(room: Room, event: Event): Promise<Pdu> {
    const { serverName, signingKey, heads, restricted } = this.#parts
    const authoriser = stringAt(event.content, 'join_authorised_via_users_server')
    if (authoriser === undefined || !isUserId(authoriser) || serverOf(authoriser) !== serverName) return event.pdu
    assertAuthorised(await restricted.authorisation(room, (await heads.get(room)).stateRoot, event.sender))
    return signEvent(event.pdu, room.rules, serverName, signingKey)
  }

  async #answer(room: Room, join: StoredEvent, signed: Event | undefined, omitMembers: boolean): Promise<string[]> {
    const { states, served, memberships, serverName } = this.#parts
    const all = await states.all(join.stateBefore)
    const state = omitMembers ? await this.#withoutMembers(room, all) : all
    const nids = state.map(({ nid }) => nid)
    const whole = await served.authChain([...nids, join.nid])
    const inState = new Set(nids)
    // If omit_members was set to true, then any events that are returned in state may be omitted from auth_chain.
    const chain = omitMembers ? whole.filter((nid) => !inState.has(nid)) : whole
    const { servers } = await memberships.members(room.nid)
    const more: JsonObject = {
      members_omitted: omitMembers,
      origin: serverName,
      ...(omitMembers && { servers_in_room: [...servers.keys()] }),
      ...(signed && { event: signed.pdu }),
    }
    const head = `${JSON.stringify(more).slice(0, -1)},"state":[`
    return [head, ...joined(await served.texts(nids)), '],"auth_chain":[', ...joined(await served.texts(chain)), ']}']
  }

  /** If the room has no name and no canonical alias, the members stay whom clients call the room by. */
  async #withoutMembers(room: Room, state: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const isNamed = state.some(({ type, stateKey }) => NAMING.includes(type) && stateKey === '')
    const heroes = isNamed ? [] : await this.#parts.memberships.first(room.nid, 'join', 'invite', MAX_HEROES)
    return state.filter(({ type, stateKey = '' }) => type !== 'm.room.member' || heroes.some((hero) => hero === stateKey))
  }
}

function assertAuthorised({ kind }: Authorisation): void {
  if (kind === 'elsewhere') throw unableToGrantJoin()
  if (kind === 'unknown') throw unableToAuthoriseJoin()
  if (kind === 'refused') throw forbidden('The user meets none of the conditions for joining this room')
}

/** List items with commas between them. */
function joined(texts: readonly string[]): string[] {
  return texts.map((text, index) => (index === 0 ? text : `,${text}`))
}
