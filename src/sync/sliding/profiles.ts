/** Profiles, MSC4262. https://github.com/matrix-org/matrix-spec-proposals/pull/4262 */
import type { UserId } from '../../../schemas/ids.ts'
import type { Json, JsonObject } from '../../../schemas/json.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { Notifier } from '../../streams/notifier.ts'
import { membersTold } from '../lazy-members.ts'
import type { SyncTurn } from '../request.ts'
import { type FieldNews, presentFields, type ProfileChanges, type ProfileNews } from '../streams/profile-news.ts'
import type { ExtendedRoom, ExtensionResult, ExtensionTurn } from './extensions.ts'
import type { ProfilesExtension } from './request.ts'
import type { RoomResult } from './room-result.ts'

export const PROFILES = 'org.matrix.msc4262.profiles'

export interface SlidingProfilesParts {
  memberships: Memberships
  notifier: Notifier
  profileNews: ProfileNews
}

/** The profiles of those in the rooms that a client asks for, and all changes of those with whom the user shares a room. */
export class SlidingProfiles {
  readonly #parts: SlidingProfilesParts

  constructor(parts: SlidingProfilesParts) {
    this.#parts = parts
  }

  /** @param rooms those that the extension is wanted for */
  async of(
    turn: ExtensionTurn,
    syncTurn: SyncTurn,
    { fields }: ProfilesExtension,
    rooms: Iterable<ExtendedRoom>,
  ): Promise<ExtensionResult | undefined> {
    const changes: ProfileChanges = new Map()
    const before = syncTurn.since === undefined ? undefined : turn.known.told?.profileFields
    const added = before && before !== 'all' ? [...(fields ?? [])].filter((field) => !before.has(field)) : []
    const isWhole = before !== undefined && before !== 'all' && fields === undefined
    for (const room of rooms) {
      await this.#addMet(changes, turn, syncTurn, room)
      if (isWhole || added.length > 0) await this.#addFields(changes, room.roomNid, isWhole ? 'all' : added)
    }
    if (syncTurn.since !== undefined) await this.#addNews(changes, syncTurn, syncTurn.since, fields)
    const users: [UserId, Json][] = []
    for (const [userId, news] of await this.#parts.profileNews.entries(changes)) {
      const told = await this.#told(userId, news, fields)
      if (told === null || Object.keys(told).length > 0) users.push([userId, told])
    }
    if (users.length === 0) return undefined
    return { name: PROFILES, text: JSON.stringify({ users: Object.fromEntries(users) }), isNews: true }
  }

  /** Whom the client meets in a room; where members are loaded lazily, those whom it is told of now. */
  async #addMet(
    changes: ProfileChanges,
    { scope, results }: ExtensionTurn,
    turn: SyncTurn,
    { roomNid, isNew }: ExtendedRoom,
  ): Promise<void> {
    const { profileNews } = this.#parts
    const result = results.get(roomNid)
    const isLazy = scope.get(roomNid)?.config.requiredState.lazyMembers === true
    // Where the extension is on from later than the room, it is not known whom the client has met there.
    if (isLazy && (result?.initial || turn.since !== undefined)) {
      await profileNews.addUsers(changes, membersIn(result))
    } else if (isNew || turn.since === undefined) await profileNews.addMembers(changes, roomNid)
    else await profileNews.addJoined(changes, turn, turn.since, roomNid)
  }

  /** Fields that the client has not asked for before. */
  async #addFields(changes: ProfileChanges, roomNid: number, fields: readonly string[] | 'all'): Promise<void> {
    const { memberships, profileNews } = this.#parts
    if (fields === 'all') return profileNews.addMembers(changes, roomNid)
    const { joined } = await memberships.members(roomNid)
    for (const [userNid, userId] of await profileNews.local(joined.keys())) {
      if (changes.has(userNid)) continue
      const profile = await profileNews.profileOf(userId)
      changes.set(userNid, new Set(fields.filter((field) => profile.has(field))))
    }
  }

  /** What has happened to those with whom the user shares any room, or did. */
  async #addNews(changes: ProfileChanges, turn: SyncTurn, since: number, fields: ReadonlySet<string> | undefined): Promise<void> {
    const { memberships, notifier, profileNews } = this.#parts
    const { userNid } = turn.reader
    const records = await memberships.ofUser(userNid)
    for (const roomNid of notifier.roomsSince(userNid, since) ?? records.keys()) {
      const record = records.get(roomNid)
      if (record?.membership === 'join') await profileNews.addParted(changes, turn, since, roomNid)
      else if (record && record.began > since) await profileNews.addLeft(changes, turn, record)
    }
    await profileNews.addChanged(changes, turn, since, (field) => fields === undefined || fields.has(field))
  }

  /** Null for a profile that the client need not keep. */
  async #told(userId: UserId, news: FieldNews, wanted: ReadonlySet<string> | undefined): Promise<JsonObject | null> {
    if (news === 'none') return null
    const profile = await this.#parts.profileNews.profileOf(userId)
    const fields = news === 'all' ? [...profile.keys()].filter((field) => wanted?.has(field) ?? true) : [...news]
    const updated = presentFields(profile, fields)
    const removed = fields.filter((field) => !profile.has(field))
    return {
      ...(updated.length > 0 && { updated: Object.fromEntries(updated) }),
      ...(removed.length > 0 && { removed }),
    }
  }
}

/** Whose memberships, or parts of them, a room tells. */
function membersIn(result: RoomResult | undefined): Set<string> {
  const heroes = result?.heroes?.map(({ user_id: userId }) => userId) ?? []
  return new Set([...heroes, ...membersTold(result?.requiredEvents ?? [])])
}
