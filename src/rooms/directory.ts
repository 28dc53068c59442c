/** The list of published rooms. https://spec.matrix.org/v1.19/client-server-api/#published-room-directory */
import type { RoomId, ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { forbidden, invalidParam, notFound } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'
import type { Database } from '../storage/database.ts'
import type { PublishedRoom, Room, Rooms } from '../storage/rooms.ts'
import { assertNotSuspended } from './policy.ts'
import type { RoomPreview, RoomPreviews } from './preview.ts'
import type { PublicRoomsQuery, RemoteRooms } from './remote.ts'
import type { StateAtPosition } from './state-at-position.ts'
import type { RoomStates } from './state.ts'

const MAX_PAGE = 1_000
const TOKEN = /^([nb])([0-9]{1,15})_([0-9]{1,15})$/

export interface RoomDirectoryParts {
  serverName: ServerName
  db: Database
  rooms: Rooms
  states: RoomStates
  stateAtPosition: StateAtPosition
  roomPreviews: RoomPreviews
  remote: Pick<RemoteRooms, 'publicRooms'>
  /** Users may publish their rooms. */
  allowPublication: boolean
}

interface Listed extends PublishedRoom {
  readonly preview: RoomPreview
}

export class RoomDirectory {
  readonly #parts: RoomDirectoryParts

  constructor(parts: RoomDirectoryParts) {
    this.#parts = parts
  }

  /** A page of a server's list, in the form in which clients get it. */
  async publicRooms(server: ServerName | undefined, query: PublicRoomsQuery): Promise<JsonObject> {
    const { serverName, remote } = this.#parts
    return server === undefined || server === serverName ? this.page(query) : remote.publicRooms(server, query)
  }

  /** A page of our own list: the rooms with most members first. */
  async page(query: PublicRoomsQuery): Promise<JsonObject> {
    const { limit = MAX_PAGE, since, filter = {}, includeAllNetworks = false, thirdPartyInstanceId } = query
    // No application service bridges a network whose rooms could be asked for.
    const isElsewhere = thirdPartyInstanceId !== undefined && !includeAllNetworks
    const all = isElsewhere ? [] : await this.#parts.rooms.published()
    const matches = matcherOf(filter)
    const candidates = matches ? (await this.#listed(all)).filter(matches) : all
    const { from, to } = sliceOf(candidates, since, Math.min(limit, MAX_PAGE))
    const page = await this.#listed(candidates.slice(from, to))
    const answer: JsonObject = { chunk: page.map(entryOf), total_room_count_estimate: all.length }
    const [first, last] = [page[0], page.at(-1)]
    if (last && to < candidates.length) answer['next_batch'] = tokenOf('n', last)
    if (first && from > 0) answer['prev_batch'] = tokenOf('b', first)
    return answer
  }

  /** Whether a room is in the list. Throws M_NOT_FOUND for a room that is not known here. */
  async isPublished(roomId: RoomId): Promise<boolean> {
    return this.#parts.rooms.isPublished((await this.#room(roomId)).nid)
  }

  /** Puts a room into the list or takes it out. Throws M_NOT_FOUND, M_FORBIDDEN. */
  async setPublished(requester: Requester, roomId: RoomId, published: boolean): Promise<void> {
    assertNotSuspended(requester)
    const { db, rooms, allowPublication } = this.#parts
    const room = await this.#room(roomId)
    if (published && !allowPublication && !requester.isAdmin) throw forbidden('This server does not let users publish rooms')
    if (!requester.isAdmin) await this.#assertMayPublish(requester, room)
    await db.write((batch) => rooms.setPublished(batch, room.nid, published), room.nid)
  }

  /** Whoever may give the room its main name in the world may have it listed there. */
  async #assertMayPublish({ userId }: Requester, room: Room): Promise<void> {
    const { states } = this.#parts
    const root = await this.#root(room)
    const isMember = (await states.membership(root, userId)) === 'join'
    const levels = await states.powerLevels(root, room)
    if (!isMember || levels.of(userId) < levels.toSend('m.room.canonical_alias', true))
      throw forbidden('You may not change whether this room is listed')
  }

  async #room(roomId: RoomId): Promise<Room> {
    const room = await this.#parts.rooms.find(roomId)
    if (!room || (await this.#root(room)) === 0) throw notFound(`This server does not know the room ${roomId}`)
    return room
  }

  #root(room: Room): Promise<number> {
    return this.#parts.stateAtPosition.root(room.nid, this.#parts.db.position)
  }

  #listed(rooms: readonly PublishedRoom[]): Promise<Listed[]> {
    const { roomPreviews } = this.#parts
    return Promise.all(rooms.map(async (entry) => ({ ...entry, preview: await roomPreviews.of(await this.#root(entry.room)) })))
  }
}

function entryOf({ room, joined, preview }: Listed): JsonObject {
  const optional = {
    name: preview.name,
    topic: preview.topic,
    canonical_alias: preview.canonicalAlias,
    avatar_url: preview.avatarUrl,
    join_rule: preview.joinRule,
    room_type: preview.roomType,
  }
  const entry: JsonObject = {
    room_id: room.roomId,
    num_joined_members: joined,
    world_readable: preview.isWorldReadable,
    guest_can_join: preview.guestsMayJoin,
  }
  for (const [key, value] of Object.entries(optional)) if (value !== undefined) entry[key] = value
  return entry
}

/** What a filter asks of a room; undefined where it lets all pass. */
function matcherOf({ generic_search_term: term, room_types: types }: JsonObject): ((entry: Listed) => boolean) | undefined {
  const wanted = typeof term === 'string' && term !== '' ? term.toLowerCase() : undefined
  const roomTypes = Array.isArray(types) ? types : undefined
  if (wanted === undefined && !roomTypes) return undefined
  return ({ preview, room }) => {
    // To include rooms without a room type, specify null within this list.
    if (roomTypes && !roomTypes.includes(preview.roomType ?? null)) return false
    const texts = [preview.name, preview.topic, preview.canonicalAlias, room.roomId]
    return wanted === undefined || texts.some((text) => text?.toLowerCase().includes(wanted))
  }
}

/** Which part of the list follows on, or comes before, what a token stands for. */
function sliceOf(rooms: readonly PublishedRoom[], since: string | undefined, limit: number): { from: number; to: number } {
  if (since === undefined) return { from: 0, to: limit }
  const [, direction, joined, nid] = TOKEN.exec(since) ?? []
  if (direction === undefined) throw invalidParam('since is no token of this server')
  const mark = { joined: Number(joined), nid: Number(nid) }
  const count = rooms.filter(({ joined: own, room }) => own > mark.joined || (own === mark.joined && room.nid < mark.nid)).length
  if (direction === 'b') return { from: Math.max(0, count - limit), to: count }
  const isThere = rooms.some(({ room }) => room.nid === mark.nid && rooms[count]?.room.nid === mark.nid)
  const from = count + (isThere ? 1 : 0)
  return { from, to: from + limit }
}

/** A token names a room by its place in the order, so that it holds when others come and go. */
function tokenOf(direction: 'n' | 'b', { room, joined }: PublishedRoom): string {
  return `${direction}${joined}_${room.nid}`
}
