/** MSC4429. https://github.com/matrix-org/matrix-spec-proposals/pull/4429 */
import type { UserId } from '../../../schemas/ids.ts'
import type { Json } from '../../../schemas/json.ts'
import type { SyncExtension, SyncPart, TurnRooms } from '../extension.ts'
import type { SyncTurn } from '../request.ts'
import { type FieldNews, presentFields, type ProfileChanges, type ProfileNews } from './profile-news.ts'

/** The fields that clients ask for in their filters, of the profiles of local users with whom they share a room. */
export class ProfileStream implements SyncExtension {
  readonly #news: ProfileNews

  constructor(news: ProfileNews) {
    this.#news = news
  }

  async parts(turn: SyncTurn, rooms: TurnRooms): Promise<SyncPart[]> {
    const wanted = turn.filter.profileFields
    if (wanted.length === 0) return []
    const changes = await this.#changes(turn, rooms)
    const users: [UserId, Json][] = []
    for (const [userId, fields] of await this.#news.entries(changes)) {
      const updates = await this.#updates(userId, wanted, fields)
      if (updates === null || updates.length > 0)
        users.push([userId, { profile_updates: updates && Object.fromEntries(updates) }])
    }
    if (users.length === 0) return []
    return [{ name: 'org.matrix.msc4429.users', text: JSON.stringify(Object.fromEntries(users)), isNews: true }]
  }

  async #changes(turn: SyncTurn, rooms: TurnRooms): Promise<ProfileChanges> {
    const news = this.#news
    const { reader, since, filter, met } = turn
    const changes: ProfileChanges = new Map()
    if (since === undefined) changes.set(reader.userNid, 'all')
    if (met) await news.addUsers(changes, met)
    for (const { roomNid, began } of met ? [] : rooms.joined) {
      if (since === undefined || began > since) await news.addMembers(changes, roomNid)
      else await news.addJoined(changes, turn, since, roomNid)
    }
    if (since === undefined) return changes
    for (const { roomNid } of rooms.joined) await news.addParted(changes, turn, since, roomNid)
    for (const record of rooms.left) await news.addLeft(changes, turn, record)
    await news.addChanged(changes, turn, since, (field) => filter.profileFields.includes(field))
    return changes
  }

  /** A field that was removed is null; so is all of a profile that the client need not keep. */
  async #updates(userId: UserId, wanted: readonly string[], fields: FieldNews): Promise<[string, Json][] | null> {
    if (fields === 'none') return null
    const profile = await this.#news.profileOf(userId)
    if (fields !== 'all') return [...fields].map((field) => [field, profile.get(field) ?? null])
    return presentFields(profile, wanted)
  }
}
