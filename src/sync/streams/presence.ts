import { type ServerName, serverOf, type UserId } from '../../../schemas/ids.ts'
import type { JsonObject } from '../../../schemas/json.ts'
import type { Clock } from '../../core/clock.ts'
import { type Presence, presenceContent } from '../../rooms/presence.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { ProfileFields } from '../../storage/profiles.ts'
import type { PresenceRecord, PresenceUsers } from '../../streams/presence.ts'
import type { SyncExtension, SyncPart, TurnRooms } from '../extension.ts'
import type { PresenceNews } from '../event-stream.ts'
import type { SyncRequest, SyncTurn } from '../request.ts'

/** In larger rooms than this, newcomers are not told of those who have never been seen. */
const MAX_OFFLINE = 100

export interface PresenceStreamParts {
  clock: Clock
  memberships: Memberships
  presence: Presence
  presenceUsers: PresenceUsers
  profileFields: Pick<ProfileFields, 'ofUser'>
  serverName: ServerName
}

/** The `presence` of `/sync`, and the presence in what was there before it. */
export class PresenceStream implements SyncExtension, PresenceNews {
  readonly #parts: PresenceStreamParts

  constructor(parts: PresenceStreamParts) {
    this.#parts = parts
  }

  async begin({ reader, setPresence, timeoutMs }: Pick<SyncRequest, 'reader' | 'setPresence' | 'timeoutMs'>): Promise<void> {
    if (reader.deviceNid !== undefined) await this.#parts.presence.attend(reader, reader.deviceNid, setPresence, timeoutMs)
  }

  async parts(turn: SyncTurn, rooms: TurnRooms): Promise<SyncPart[]> {
    const records = await this.#records(turn, rooms)
    if (records.length === 0) return []
    const events = await this.#each(records, (content, sender) => ({ type: 'm.presence', sender, content }))
    return [{ name: 'presence', text: `{"events":${JSON.stringify(events)}}`, isNews: true }]
  }

  async news(turn: SyncTurn): Promise<string> {
    return this.#oldTexts(await this.#records(turn, undefined))
  }

  async inRoom({ since, upTo, ignored }: SyncTurn, roomNid: number): Promise<string> {
    const { presenceUsers, memberships } = this.#parts
    const changed = since === undefined ? undefined : presenceUsers.changed(since, upTo)
    const records: PresenceRecord[] = []
    for (const [userNid, userId] of (await memberships.members(roomNid)).joined) {
      if (ignored.has(userId) || changed?.has(userNid) === false) continue
      records.push(presenceUsers.get(userNid) ?? neverSeen(userNid, userId))
    }
    return this.#oldTexts(records)
  }

  async #oldTexts(records: readonly PresenceRecord[]): Promise<string> {
    const events = await this.#each(records, (content, userId) => ({
      type: 'm.presence',
      content: { user_id: userId, ...content },
    }))
    return events.map((event) => JSON.stringify(event)).join(',')
  }

  #each<T>(records: readonly PresenceRecord[], make: (content: JsonObject, userId: UserId) => T): Promise<T[]> {
    const now = this.#parts.clock.now()
    return Promise.all(
      records.map(async (record) => {
        const { userId } = record
        return make({ ...presenceContent(record, now), ...(await this.#naming(userId)) }, userId)
      }),
    )
  }

  /** The current name and avatar of one of our users, if any; those of others are told by their membership of rooms. */
  async #naming(userId: UserId): Promise<JsonObject> {
    const { profileFields, serverName } = this.#parts
    const fields = serverOf(userId) === serverName ? await profileFields.ofUser(userId) : undefined
    const [displayname, avatar_url] = [fields?.get('displayname'), fields?.get('avatar_url')]
    return { ...(displayname !== undefined && { displayname }), ...(avatar_url !== undefined && { avatar_url }) }
  }

  async #records(turn: SyncTurn, rooms: TurnRooms | undefined): Promise<PresenceRecord[]> {
    const { presence, presenceUsers } = this.#parts
    const { reader, filter, ignored } = turn
    if (!presence.isEnabled || !filter.presence.allowsType('m.presence')) return []
    const records = await this.#ofNewcomers(turn, rooms)
    for (const userNid of this.#changed(turn)) {
      const record = presenceUsers.get(userNid)
      if (record && (await presence.isVisible(reader.userNid, userNid))) records.set(userNid, record)
    }
    const isWanted = ({ userId }: PresenceRecord) =>
      !ignored.has(userId) && filter.presence.passes({ type: 'm.presence', sender: userId })
    return [...records.values()].filter(isWanted)
  }

  /** Those whose presence has changed, whether or not the reader may see it. */
  #changed({ since, upTo }: SyncTurn): Iterable<number> {
    const { presenceUsers } = this.#parts
    const changed = since === undefined ? undefined : presenceUsers.changed(since, upTo)
    return changed ?? [...presenceUsers.all()].map(({ userNid }) => userNid)
  }

  /** Those whom the reader has just come to share a room with: the others of a room just joined, and who has joined the reader's. */
  async #ofNewcomers({ since, reader }: SyncTurn, rooms: TurnRooms | undefined): Promise<Map<number, PresenceRecord>> {
    const { presenceUsers, memberships } = this.#parts
    const records = new Map<number, PresenceRecord>()
    if (since === undefined) return records
    for (const { roomNid, began } of rooms?.joined ?? []) {
      const newcomers = began > since ? undefined : await memberships.begunSince(roomNid, since)
      if (newcomers?.length === 0) continue
      const { joined } = await memberships.members(roomNid)
      const isLarge = joined.size > MAX_OFFLINE
      for (const userNid of newcomers?.map((member) => member.userNid) ?? joined.keys()) {
        const userId = joined.get(userNid)
        if (userId === undefined) continue
        // Of other servers' users nothing is known yet; our own who have never been seen are not there.
        const isKnownOffline = !isLarge && userNid !== reader.userNid && serverOf(userId) === serverOf(reader.userId)
        const record = presenceUsers.get(userNid) ?? (isKnownOffline ? neverSeen(userNid, userId) : undefined)
        if (record) records.set(userNid, record)
      }
    }
    return records
  }
}

function neverSeen(userNid: number, userId: UserId): PresenceRecord {
  return { userNid, userId, presence: 'offline', statusMsg: undefined, lastActiveTs: undefined }
}
