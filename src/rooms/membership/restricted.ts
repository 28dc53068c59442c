/** https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms */
import { isRoomId, type RoomId, type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import { isJsonObject, type JsonObject, stringAt } from '../../../schemas/json.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { RoomStates } from '../state.ts'

/** How many conditions are looked at: the list comes from whoever may change the join rules. */
const MAX_CONDITIONS = 100

export interface RestrictedJoinsParts {
  serverName: ServerName
  names: Names
  rooms: Rooms
  memberships: Memberships
  states: RoomStates
}

/** Who is to vouch for a join. */
export type Authorisation =
  /** Nobody: the join rules decide without. */
  | { readonly kind: 'not-needed' }
  /** The user of ours who goes into `join_authorised_via_users_server`. */
  | { readonly kind: 'authorised'; readonly by: UserId }
  /** None of ours may: servers of users who may. */
  | { readonly kind: 'elsewhere'; readonly servers: readonly ServerName[] }
  /** No condition is met. */
  | { readonly kind: 'refused' }
  /** No condition is met as far as we can tell, but this server is not in all of the rooms. */
  | { readonly kind: 'unknown' }

/** Finds out whether, and through whom, a user may join a room whose join rules list conditions. */
export class RestrictedJoins {
  readonly #parts: RestrictedJoinsParts

  constructor(parts: RestrictedJoinsParts) {
    this.#parts = parts
  }

  /** For a user of ours or of another server, by the room's state at `root`. */
  async authorisation(room: Room, root: number, userId: UserId): Promise<Authorisation> {
    const { states } = this.#parts
    const joinRules = await states.content(root, 'm.room.join_rules')
    if (!isRestricted(room, joinRules)) return { kind: 'not-needed' }
    const membership = await states.membership(root, userId)
    // Invited users and members get in without; for banned ones the authorisation rules speak.
    if (membership === 'invite' || membership === 'join' || membership === 'ban') return { kind: 'not-needed' }
    const met = await this.#anyConditionMet(joinRules, userId)
    return met === true ? this.#authoriser(room, root) : { kind: met === false ? 'refused' : 'unknown' }
  }

  /** Whether the user is in one of the rooms; undefined where the user may be in one that this server is not in. */
  async #anyConditionMet(joinRules: JsonObject, userId: UserId): Promise<boolean | undefined> {
    const { rooms, names, memberships, serverName } = this.#parts
    const userNid = await names.find(userId)
    let known = true
    for (const roomId of allowedRooms(joinRules)) {
      const room = await rooms.find(roomId)
      const record = room && userNid !== undefined ? await memberships.get(room.nid, userNid) : undefined
      const { servers } = room ? await memberships.members(room.nid) : { servers: new Map() }
      if (servers.has(serverName) && record?.membership === 'join') return true
      // Of our own users we know the rooms.
      known &&= servers.has(serverName) || serverOf(userId) === serverName
    }
    return known ? false : undefined
  }

  async #authoriser(room: Room, root: number): Promise<Authorisation> {
    const { memberships, states, serverName } = this.#parts
    const levels = await states.powerLevels(root, room)
    const servers = new Set<ServerName>()
    for (const userId of (await memberships.members(room.nid)).joined.values()) {
      if (levels.of(userId) < levels.invite) continue
      if (serverOf(userId) === serverName) return { kind: 'authorised', by: userId }
      servers.add(serverOf(userId))
    }
    return { kind: 'elsewhere', servers: [...servers] }
  }
}

function isRestricted({ rules }: Room, joinRules: JsonObject): boolean {
  const rule = stringAt(joinRules, 'join_rule')
  return (rule === 'restricted' && rules.auth.restrictedJoins) || (rule === 'knock_restricted' && rules.auth.knockRestricted)
}

function allowedRooms({ allow }: JsonObject): RoomId[] {
  if (!Array.isArray(allow)) return []
  return allow
    .slice(0, MAX_CONDITIONS)
    .flatMap((entry) =>
      isJsonObject(entry) &&
      entry['type'] === 'm.room_membership' &&
      typeof entry['room_id'] === 'string' &&
      isRoomId(entry['room_id'])
        ? [entry['room_id']]
        : [],
    )
}
