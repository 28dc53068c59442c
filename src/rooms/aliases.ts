/** https://spec.matrix.org/v1.19/client-server-api/#room-aliases */
import { isRoomAlias, type RoomAlias, type RoomId, type ServerName, serverOf } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { aliasTaken, badAlias, forbidden, invalidParam, MatrixError, notFound } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { assertWithin } from '../core/quotas.ts'
import type { Requester } from '../core/requester.ts'
import type { AliasRow, Aliases } from '../storage/aliases.ts'
import type { Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { RoomHeads } from './heads.ts'
import { assertJoined, assertNotSuspended, knownRoom } from './policy.ts'
import type { AliasTarget, RemoteRooms } from './remote.ts'
import type { EventSender } from './send.ts'
import type { RoomStates } from './state.ts'

export interface RoomAliasesParts {
  serverName: ServerName
  db: Database
  rooms: Rooms
  aliases: Aliases
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  sender: EventSender
  remote: Pick<RemoteRooms, 'resolveAlias'>
  /** Only members of a room may give it an alias. */
  requireMembership: boolean
}

/** Throws M_TOO_LARGE for a user who has given rooms too many aliases; bridges give one to each room of a network. */
export async function assertMayGive(
  aliases: Aliases,
  { userNid, appServiceId }: Pick<Requester, 'userNid' | 'appServiceId'>,
): Promise<void> {
  if (appServiceId === undefined) assertWithin('aliases of a user', (await aliases.countBy(userNid)) + 1)
}

export class RoomAliases {
  readonly #parts: RoomAliasesParts
  readonly #queue = new KeyedQueue<RoomAlias>()

  constructor(parts: RoomAliasesParts) {
    this.#parts = parts
  }

  /** The room of an alias, here or elsewhere, and servers that are in it. Throws M_NOT_FOUND. */
  async resolve(alias: RoomAlias): Promise<AliasTarget> {
    const found = this.#isLocal(alias) ? await this.resolveHere(alias) : await this.#parts.remote.resolveAlias(alias)
    if (!found) throw notFound(`There is no room alias ${alias}`)
    return found
  }

  /** The room that a client names by id or alias, and servers to ask for it: those it names, then those the alias gives. */
  async locate(room: RoomId | RoomAlias, via: readonly ServerName[] = []): Promise<AliasTarget> {
    if (!isRoomAlias(room)) return { roomId: room, servers: via }
    const { roomId, servers } = await this.resolve(room)
    return { roomId, servers: [...via, ...servers] }
  }

  /** The room of an alias of this server. */
  async resolveHere(alias: RoomAlias): Promise<AliasTarget | undefined> {
    const { aliases, rooms, memberships, serverName } = this.#parts
    const row = await aliases.get(alias)
    if (!row) return undefined
    const room = await rooms.get(row.room_nid)
    const servers = new Set((await memberships.members(room.nid)).servers.keys())
    servers.delete(serverName)
    return { roomId: room.roomId, servers: [serverName, ...servers] }
  }

  /** Gives a room an alias of this server. Throws 409 where it is taken, M_TOO_LARGE for one too many. */
  async add(requester: Requester, alias: RoomAlias, roomId: RoomId): Promise<void> {
    assertNotSuspended(requester)
    const { aliases, db, rooms, memberships, requireMembership } = this.#parts
    if (!this.#isLocal(alias)) throw invalidParam(`${alias} is an alias of another server`)
    const room = await knownRoom(rooms, roomId)
    if (requireMembership) await assertJoined(memberships, room, requester.userNid)
    await this.#queue.run(alias, async () => {
      if (await aliases.get(alias)) throw aliasTaken(`The room alias ${alias} is taken`)
      assertWithin('aliases', (await aliases.ofRoom(room.nid)).length + 1)
      await assertMayGive(aliases, requester)
      await db.write((batch) => aliases.add(batch, alias, room.nid, requester.userNid))
    })
  }

  /** Takes an alias away, for whoever has given it or may set the room's canonical alias. Throws M_NOT_FOUND, M_FORBIDDEN. */
  async remove(requester: Requester, alias: RoomAlias): Promise<void> {
    const { aliases, db, rooms } = this.#parts
    const row = this.#isLocal(alias) ? await aliases.get(alias) : undefined
    if (!row) throw notFound(`There is no room alias ${alias}`)
    const room = await rooms.get(row.room_nid)
    await this.#assertMayRemove(requester, room, row)
    await this.#queue.run(alias, () => db.write((batch) => aliases.remove(batch, alias)))
    await this.#dropFromCanonical(requester, room, alias)
  }

  /** The aliases that this server has given to a room. */
  async ofRoom(room: Room): Promise<RoomAlias[]> {
    return (await this.#parts.aliases.ofRoom(room.nid)).map(({ alias }) => alias)
  }

  /**
   * Checks what is new in the content of an `m.room.canonical_alias` that a client sets: each alias must be one, and point
   * to the room. Throws M_INVALID_PARAM, M_BAD_ALIAS.
   */
  async checkCanonical(room: Room, content: JsonObject): Promise<void> {
    const { heads, states } = this.#parts
    const before = aliasesIn(await states.content((await heads.get(room)).stateRoot, 'm.room.canonical_alias'))
    for (const alias of aliasesIn(content)) {
      if (before.includes(alias)) continue
      if (typeof alias !== 'string' || !isRoomAlias(alias)) throw invalidParam(`${JSON.stringify(alias)} is not a room alias`)
      if ((await this.#roomOf(alias)) !== room.roomId) throw badAlias(`${alias} is not an alias of this room`)
    }
  }

  async #roomOf(alias: RoomAlias): Promise<RoomId | undefined> {
    try {
      return (await this.resolve(alias)).roomId
    } catch (cause) {
      // Whoever cannot be asked does not vouch for the alias.
      if (cause instanceof MatrixError) return undefined
      throw cause
    }
  }

  async #assertMayRemove(requester: Requester, room: Room, row: AliasRow): Promise<void> {
    if (row.creator_nid === requester.userNid || requester.isAdmin) return
    const { heads, states } = this.#parts
    const { stateRoot } = await heads.get(room)
    const isMember = (await states.membership(stateRoot, requester.userId)) === 'join'
    const levels = await states.powerLevels(stateRoot, room)
    if (!isMember || levels.of(requester.userId) < levels.toSend('m.room.canonical_alias', true))
      throw forbidden('You may not delete this alias')
  }

  /** A canonical alias that is gone is taken out of the room's state, where the user may do that. */
  async #dropFromCanonical({ userId }: Requester, room: Room, alias: RoomAlias): Promise<void> {
    const { heads, states, sender } = this.#parts
    const { stateRoot } = await heads.get(room)
    const content = await states.content(stateRoot, 'm.room.canonical_alias')
    if (!aliasesIn(content).includes(alias)) return
    const levels = await states.powerLevels(stateRoot, room)
    const isMember = (await states.membership(stateRoot, userId)) === 'join'
    if (!isMember || levels.of(userId) < levels.toSend('m.room.canonical_alias', true)) return
    await sender.send(room, { sender: userId, type: 'm.room.canonical_alias', stateKey: '', content: without(content, alias) })
  }

  #isLocal(alias: RoomAlias): boolean {
    return serverOf(alias) === this.#parts.serverName
  }
}

/** The canonical alias and the alternatives, whatever stands in their place. */
export function aliasesIn({ alias, alt_aliases: alternatives }: JsonObject): unknown[] {
  const list = Array.isArray(alternatives)
    ? alternatives
    : alternatives === undefined || alternatives === null
      ? []
      : [alternatives]
  return alias === undefined || alias === null || alias === '' ? list : [alias, ...list]
}

function without(content: JsonObject, alias: RoomAlias): JsonObject {
  const { alias: canonical, alt_aliases: alternatives, ...rest } = content
  if (canonical !== undefined && canonical !== alias) rest['alias'] = canonical
  if (Array.isArray(alternatives)) rest['alt_aliases'] = alternatives.filter((entry) => entry !== alias)
  return rest
}
