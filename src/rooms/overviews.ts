/** What of a room is shown to those who may come into it. https://spec.matrix.org/v1.19/client-server-api/#room-previews */
import { isRoomId, type RoomId, type ServerName, serverOf, type UserId } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, stringAt } from '../../schemas/json.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Names } from '../storage/names.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomHeads } from './heads.ts'
import type { RoomPreviews } from './preview.ts'
import { isResident } from './residence.ts'
import type { RoomStates } from './state.ts'

const MAX_VIA = 10
export const MAX_CHILDREN = 1_000
const OPEN_RULES: ReadonlySet<unknown> = new Set(['public', 'knock', 'knock_restricted'])
const RESTRICTED_RULES: ReadonlySet<unknown> = new Set(['restricted', 'knock_restricted'])

export interface RoomOverviewsParts {
  serverName: ServerName
  rooms: Rooms
  names: Names
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  roomPreviews: RoomPreviews
}

/** A room of a space, as its parent says. */
export interface SpaceChild {
  readonly roomId: RoomId
  /** Servers that are said to be in it. */
  readonly via: readonly ServerName[]
}

export class RoomOverviews {
  readonly #parts: RoomOverviewsParts

  constructor(parts: RoomOverviewsParts) {
    this.#parts = parts
  }

  /** The room, where this server can speak for it. */
  async resident(roomId: RoomId): Promise<Room | undefined> {
    const room = await this.#parts.rooms.find(roomId)
    return room && (await isResident(this.#parts, room)) ? room : undefined
  }

  /** A room's summary, in the form in which clients and other servers get it. */
  async summary(room: Room): Promise<JsonObject> {
    const { heads, states, memberships, roomPreviews } = this.#parts
    const { stateRoot } = await heads.get(room)
    const preview = await roomPreviews.of(stateRoot)
    const joinRules = await states.content(stateRoot, 'm.room.join_rules')
    const algorithm = stringAt(await states.content(stateRoot, 'm.room.encryption'), 'algorithm')
    const optional = {
      name: preview.name,
      topic: preview.topic,
      canonical_alias: preview.canonicalAlias,
      avatar_url: preview.avatarUrl,
      join_rule: preview.joinRule,
      room_type: preview.roomType,
      encryption: algorithm,
      allowed_room_ids: RESTRICTED_RULES.has(preview.joinRule) ? allowedRooms(joinRules) : undefined,
    }
    const summary: JsonObject = {
      room_id: room.roomId,
      room_version: room.rules.version,
      num_joined_members: (await memberships.members(room.nid)).joined.size,
      world_readable: preview.isWorldReadable,
      guest_can_join: preview.guestsMayJoin,
    }
    for (const [key, value] of Object.entries(optional)) if (value !== undefined) summary[key] = value
    return summary
  }

  /** Whether a summary may be shown to a user: anybody may come in, or the user is in it, invited, or meets a condition. */
  async mayUserSee(summary: JsonObject, user: { userNid: number } | undefined): Promise<boolean> {
    if (isOpen(summary)) return true
    const roomId = stringAt(summary, 'room_id') ?? ''
    if (!user || !isRoomId(roomId)) return false
    const membership = await this.membership(roomId, user.userNid)
    if (membership === 'join' || membership === 'invite') return true
    if (membership === 'ban' || !RESTRICTED_RULES.has(summary['join_rule'])) return false
    for (const allowed of roomIdsIn(summary['allowed_room_ids']))
      if ((await this.membership(allowed, user.userNid)) === 'join') return true
    return false
  }

  /** As `mayUserSee`, for the users of another server. */
  async mayServerSee(summary: JsonObject, room: Room, server: ServerName): Promise<boolean> {
    if (isOpen(summary)) return true
    const { memberships, rooms, heads, states } = this.#parts
    if ((await memberships.members(room.nid)).servers.has(server)) return true
    const members = await states.all((await heads.get(room)).stateRoot, 'm.room.member')
    if (
      members.some(({ stateKey = '', content }) => content['membership'] === 'invite' && serverOf(stateKey as UserId) === server)
    )
      return true
    if (!RESTRICTED_RULES.has(summary['join_rule'])) return false
    for (const roomId of roomIdsIn(summary['allowed_room_ids'])) {
      const allowed = await rooms.find(roomId)
      if (allowed && (await memberships.members(allowed.nid)).servers.has(server)) return true
    }
    return false
  }

  async membership(roomId: RoomId, userNid: number): Promise<string | undefined> {
    const room = await this.#parts.rooms.find(roomId)
    return room && (await this.#parts.memberships.get(room.nid, userNid))?.membership
  }

  /** The `m.space.child` events of a space that name a room, in the order in which they are to be shown. */
  async children(room: Room, suggestedOnly: boolean): Promise<StoredEvent[]> {
    const { heads, states } = this.#parts
    const events = await states.all((await heads.get(room)).stateRoot, 'm.space.child')
    const valid = events.filter((event) => childOf(event) && (!suggestedOnly || event.content['suggested'] === true))
    return valid.sort(inOrder).slice(0, MAX_CHILDREN)
  }
}

/** The room that an `m.space.child` event names; undefined where it lacks `via` and so names none. */
export function childOf({ stateKey = '', content }: Pick<StoredEvent, 'stateKey' | 'content'>): SpaceChild | undefined {
  const { via } = content
  if (!isRoomId(stateKey) || !Array.isArray(via)) return undefined
  const servers = via.filter((server): server is ServerName => typeof server === 'string').slice(0, MAX_VIA)
  return servers.length === 0 ? undefined : { roomId: stateKey, via: servers }
}

/** A child as parents are shown with it: stripped, with its time. */
export function strippedChild({ type, stateKey = '', sender, content, head }: StoredEvent): JsonObject {
  return { type, state_key: stateKey, sender, content, origin_server_ts: head.originServerTs }
}

function isOpen(summary: JsonObject): boolean {
  return OPEN_RULES.has(summary['join_rule']) || summary['world_readable'] === true
}

function allowedRooms({ allow }: JsonObject): RoomId[] {
  const entries = Array.isArray(allow) ? allow.filter(isJsonObject) : []
  return roomIdsIn(entries.flatMap((entry) => (entry['type'] === 'm.room_membership' ? [entry['room_id'] ?? null] : [])))
}

function roomIdsIn(list: unknown): RoomId[] {
  return Array.isArray(list) ? list.filter((entry): entry is RoomId => typeof entry === 'string' && isRoomId(entry)) : []
}

/** Rooms are sorted by a lexicographic ordering of `order`; those without a valid one come last, by age and then by id. */
function inOrder(a: StoredEvent, b: StoredEvent): number {
  const [first, second] = [orderOf(a), orderOf(b)]
  if (first !== undefined && second !== undefined && first !== second) return first < second ? -1 : 1
  if ((first === undefined) !== (second === undefined)) return first === undefined ? 1 : -1
  return a.head.originServerTs - b.head.originServerTs || ((a.stateKey ?? '') < (b.stateKey ?? '') ? -1 : 1)
}

/** Strings of at most 50 characters from \x20 to \x7E. */
function orderOf({ content }: StoredEvent): string | undefined {
  const order = stringAt(content, 'order')
  return order !== undefined && /^[\x20-\x7e]{0,50}$/.test(order) ? order : undefined
}
