/** MSC4429. https://github.com/matrix-org/matrix-spec-proposals/pull/4429 */
import { isUserId, type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import type { Json } from '../../../schemas/json.ts'
import type { MembershipRecord, Memberships } from '../../storage/memberships.ts'
import type { Names } from '../../storage/names.ts'
import type { ProfileFields } from '../../storage/profiles.ts'
import type { SyncExtension, SyncPart, TurnRooms } from '../extension.ts'
import type { SyncTurn } from '../request.ts'

export interface ProfileStreamParts {
  serverName: ServerName
  names: Names
  memberships: Memberships
  profileFields: ProfileFields
}

/** The fields of a user's profile that have changed; `all` for a user whom the reader has just come to share a room with. */
type Changes = Set<string> | 'all'

/** The fields that clients ask for in their filters, of the profiles of local users with whom they share a room. */
export class ProfileStream implements SyncExtension {
  readonly #parts: ProfileStreamParts

  constructor(parts: ProfileStreamParts) {
    this.#parts = parts
  }

  async parts(turn: SyncTurn, rooms: TurnRooms): Promise<SyncPart[]> {
    const wanted = turn.filter.profileFields
    if (wanted.length === 0) return []
    const changes = await this.#met(turn, rooms.joined)
    if (turn.since !== undefined) await this.#addChanged(changes, turn, turn.since)
    const names = await this.#parts.names.namesOf([...changes.keys()])
    const users: [UserId, Json][] = []
    for (const [userNid, fields] of changes) {
      const userId = names.get(userNid)
      if (userId === undefined || !isUserId(userId) || serverOf(userId) !== this.#parts.serverName) continue
      const updates = await this.#updates(userId, wanted, fields)
      if (updates.length > 0) users.push([userId, { profile_updates: Object.fromEntries(updates) }])
    }
    if (users.length === 0) return []
    return [{ name: 'org.matrix.msc4429.users', text: JSON.stringify(Object.fromEntries(users)), isNews: true }]
  }

  /** Who is in the rooms that the reader has come into, and who has come into theirs; in an initial sync, everybody. */
  async #met({ reader, since, upTo }: SyncTurn, joined: readonly MembershipRecord[]): Promise<Map<number, Changes>> {
    const { memberships } = this.#parts
    const met = new Map<number, Changes>()
    if (since === undefined) met.set(reader.userNid, 'all')
    for (const { roomNid, began } of joined) {
      if (since === undefined || began > since)
        for (const userNid of (await memberships.members(roomNid)).joined.keys()) met.set(userNid, 'all')
      else
        for (const record of await memberships.begunSince(roomNid, since))
          if (record.membership === 'join' && record.began <= upTo) met.set(record.userNid, 'all')
    }
    return met
  }

  async #addChanged(changes: Map<number, Changes>, { reader, upTo, filter }: SyncTurn, since: number): Promise<void> {
    for (const { userNid, field } of await this.#parts.profileFields.changedSince(since, upTo)) {
      const known = changes.get(userNid)
      if (known === 'all' || !filter.profileFields.includes(field)) continue
      if (known) known.add(field)
      else if (userNid === reader.userNid || (await this.#shareRoom(userNid, reader.userNid)))
        changes.set(userNid, new Set([field]))
    }
  }

  async #shareRoom(one: number, other: number): Promise<boolean> {
    const { memberships } = this.#parts
    const others = await memberships.ofUser(other)
    for (const { roomNid, membership } of (await memberships.ofUser(one)).values())
      if (membership === 'join' && others.get(roomNid)?.membership === 'join') return true
    return false
  }

  /** A field that was removed is null. */
  async #updates(userId: UserId, wanted: readonly string[], fields: Changes): Promise<[string, Json][]> {
    const profile = await this.#parts.profileFields.ofUser(userId)
    if (fields !== 'all') return [...fields].map((field) => [field, profile?.get(field) ?? null])
    return wanted.flatMap((field): [string, Json][] => {
      const value = profile?.get(field)
      return value === undefined ? [] : [[field, value]]
    })
  }
}
