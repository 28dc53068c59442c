import type { RoomId, UserId } from '../../schemas/ids.ts'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { parseJson } from '../core/json-text.ts'
import { type AccountDataTable, GLOBAL } from '../storage/account-data.ts'
import type { Aliases } from '../storage/aliases.ts'
import type { Database } from '../storage/database.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { PushRules } from '../users/push-rules.ts'
import type { RoomHeads } from './heads.ts'
import type { RoomStates } from './state.ts'

export interface RoomSuccessionParts {
  db: Database
  rooms: Rooms
  aliases: Aliases
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  accountData: Pick<AccountDataTable, 'get' | 'set'>
  pushRules: Pick<PushRules, 'ruleset' | 'put'>
}

interface Joiner {
  readonly userId: UserId
  readonly userNid: number
}

/** Lets a room take the place of the one that it replaces. */
export class RoomSuccession {
  readonly #parts: RoomSuccessionParts

  constructor(parts: RoomSuccessionParts) {
    this.#parts = parts
  }

  /**
   * A user of ours has joined a room. Where it replaces another one, and that says so too, this server's aliases and the
   * place in the public list move to it, and so do the user's tags, push rules and direct chats.
   * https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
   */
  async follow(joiner: Joiner, room: Room): Promise<void> {
    const old = await this.#predecessor(room)
    if (!old) return
    await this.#moveNames(old, room)
    if (!(await this.#parts.memberships.get(old.nid, joiner.userNid))) return
    await this.#copyTags(joiner, old, room)
    await this.#keepDirect(joiner, old.roomId, room.roomId)
    await this.#copyPushRule(joiner, old.roomId, room.roomId)
  }

  async #predecessor(room: Room): Promise<Room | undefined> {
    const { rooms, heads, states } = this.#parts
    const create = await states.content((await heads.get(room)).stateRoot, 'm.room.create')
    const roomId = stringAt(objectAt(create, 'predecessor') ?? {}, 'room_id')
    const old = roomId === undefined ? undefined : await rooms.find(roomId as RoomId)
    if (!old) return undefined
    const tombstone = await states.content((await heads.get(old)).stateRoot, 'm.room.tombstone')
    return tombstone['replacement_room'] === room.roomId ? old : undefined
  }

  async #moveNames(old: Room, room: Room): Promise<void> {
    const { db, rooms, aliases } = this.#parts
    const isPublished = await rooms.isPublished(old.nid)
    const moved = await aliases.ofRoom(old.nid)
    if (!isPublished && moved.length === 0) return
    await db.write((batch) => {
      for (const { alias } of moved) aliases.move(batch, alias, room.nid)
      if (!isPublished) return
      rooms.setPublished(batch, old.nid, false)
      rooms.setPublished(batch, room.nid, true)
    })
  }

  async #copyTags({ userNid }: Joiner, old: Room, room: Room): Promise<void> {
    const { db, accountData } = this.#parts
    const [tags, own] = await Promise.all([old, room].map(({ nid }) => accountData.get(userNid, nid, 'm.tag')))
    if (tags && !own) await db.write((batch) => accountData.set(batch, userNid, room.nid, 'm.tag', tags.content))
  }

  /** `m.direct` lists by user the rooms that are chats with them alone. */
  async #keepDirect({ userNid }: Joiner, old: RoomId, room: RoomId): Promise<void> {
    const { db, accountData } = this.#parts
    const entry = await accountData.get(userNid, GLOBAL, 'm.direct')
    const direct = entry && parseJson(entry.content)
    if (!isJsonObject(direct)) return
    const changed: JsonObject = {}
    for (const [userId, list] of Object.entries(direct))
      if (Array.isArray(list) && list.includes(old) && !list.includes(room)) changed[userId] = [...list, room]
    if (Object.keys(changed).length === 0) return
    await db.write((batch) => accountData.set(batch, userNid, GLOBAL, 'm.direct', JSON.stringify({ ...direct, ...changed })))
  }

  async #copyPushRule(joiner: Joiner, old: RoomId, room: RoomId): Promise<void> {
    const { pushRules } = this.#parts
    const { room: rules } = await pushRules.ruleset(joiner)
    const rule = rules.find(({ rule_id: id }) => id === old)
    if (rule && !rules.some(({ rule_id: id }) => id === room))
      await pushRules.put(joiner, 'room', room, { actions: rule.actions }, {})
  }
}
