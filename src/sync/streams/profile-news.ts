import { isUserId, type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import type { Json } from '../../../schemas/json.ts'
import type { MembershipRecord, Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { ProfileFields } from '../../storage/profiles.ts'
import type { SyncTurn } from '../request.ts'

export interface ProfileNewsParts {
  serverName: ServerName
  names: Names
  memberships: Memberships
  profileFields: ProfileFields
}

/** Fields of a user's profile to tell of: `all` for one whom the reader has just met, `none` for one whom they share no room with any more. */
export type FieldNews = Set<string> | 'all' | 'none'

/** By user nid. */
export type ProfileChanges = Map<number, FieldNews>

/** Whose profiles a reader is to be told of, and which of their fields; only local users have profiles here. */
export class ProfileNews {
  readonly #parts: ProfileNewsParts

  constructor(parts: ProfileNewsParts) {
    this.#parts = parts
  }

  /** All who are in a room. */
  async addMembers(changes: ProfileChanges, roomNid: number): Promise<void> {
    for (const userNid of (await this.#parts.memberships.members(roomNid)).joined.keys()) changes.set(userNid, 'all')
  }

  /** Users by their ids: those whom a client is told of where members are loaded lazily. */
  async addUsers(changes: ProfileChanges, userIds: Iterable<string>): Promise<void> {
    for (const userId of userIds) {
      const userNid = await this.#parts.names.find(userId)
      if (userNid !== undefined) changes.set(userNid, 'all')
    }
  }

  /** Who has come into a room that the reader was in before. */
  async addJoined(changes: ProfileChanges, { upTo }: SyncTurn, since: number, roomNid: number): Promise<void> {
    for (const { userNid, membership, began } of await this.#parts.memberships.begunSince(roomNid, since))
      if (membership === 'join' && began <= upTo) changes.set(userNid, 'all')
  }

  /** Who has gone from a room that the reader is in, and shares no other one with them. */
  async addParted(changes: ProfileChanges, { reader, upTo }: SyncTurn, since: number, roomNid: number): Promise<void> {
    for (const { userNid, membership, began } of await this.#parts.memberships.begunSince(roomNid, since)) {
      const isGone = membership === 'leave' || membership === 'ban'
      if (isGone && began <= upTo) await this.#addStranger(changes, reader.userNid, userNid)
    }
  }

  /** Those with whom the reader has shared no room since they left this one. */
  async addLeft(changes: ProfileChanges, { reader }: SyncTurn, { roomNid }: MembershipRecord): Promise<void> {
    const { joined } = await this.#parts.memberships.members(roomNid)
    for (const userNid of (await this.local(joined.keys())).keys()) await this.#addStranger(changes, reader.userNid, userNid)
  }

  /** Fields that users with whom the reader shares a room have changed, the reader among them. */
  async addChanged(
    changes: ProfileChanges,
    { reader, upTo }: SyncTurn,
    since: number,
    isWanted: (field: string) => boolean,
  ): Promise<void> {
    for (const { userNid, field } of await this.#parts.profileFields.changedSince(since, upTo)) {
      const known = changes.get(userNid)
      if (typeof known === 'string' || !isWanted(field)) continue
      if (known) known.add(field)
      else if (await this.#shareRoom(userNid, reader.userNid)) changes.set(userNid, new Set([field]))
    }
  }

  /** The local ones of some users, with their ids. */
  async entries(changes: ProfileChanges): Promise<(readonly [UserId, FieldNews])[]> {
    const local = await this.local(changes.keys())
    return [...changes].flatMap(([userNid, fields]) => {
      const userId = local.get(userNid)
      return userId === undefined ? [] : [[userId, fields] as const]
    })
  }

  /** The ids of the local ones of some users. */
  async local(userNids: Iterable<number>): Promise<Map<number, UserId>> {
    const local = new Map<number, UserId>()
    for (const [nid, name] of await this.#parts.names.namesOf([...userNids]))
      if (isUserId(name) && serverOf(name) === this.#parts.serverName) local.set(nid, name)
    return local
  }

  /** The fields of a user's profile. */
  async profileOf(userId: UserId): Promise<ReadonlyMap<string, Json>> {
    return (await this.#parts.profileFields.ofUser(userId)) ?? new Map()
  }

  async #addStranger(changes: ProfileChanges, readerNid: number, userNid: number): Promise<void> {
    if (!changes.has(userNid) && !(await this.#shareRoom(userNid, readerNid))) changes.set(userNid, 'none')
  }

  async #shareRoom(one: number, other: number): Promise<boolean> {
    if (one === other) return true
    const { memberships } = this.#parts
    const others = await memberships.ofUser(other)
    for (const { roomNid, membership } of (await memberships.ofUser(one)).values())
      if (membership === 'join' && others.get(roomNid)?.membership === 'join') return true
    return false
  }
}

/** Those of some fields that a profile has, with their values. */
export function presentFields(profile: ReadonlyMap<string, Json>, fields: readonly string[]): [string, Json][] {
  return fields.flatMap((field): [string, Json][] => {
    const value = profile.get(field)
    return value === undefined ? [] : [[field, value]]
  })
}
