import type { Clock } from '../../core/clock.ts'
import { type Presence, presenceContent } from '../../rooms/presence.ts'
import type { Memberships } from '../../storage/memberships.ts'
import type { PresenceRecord, PresenceUsers } from '../../streams/presence.ts'
import type { SyncExtension, SyncPart, TurnRooms } from '../extension.ts'
import type { PresenceNews } from '../event-stream.ts'
import type { SyncRequest, SyncTurn } from '../request.ts'

export interface PresenceStreamParts {
  clock: Clock
  memberships: Memberships
  presence: Presence
  presenceUsers: PresenceUsers
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
    const now = this.#parts.clock.now()
    const events = records.map((record) => ({ type: 'm.presence', sender: record.userId, content: presenceContent(record, now) }))
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
      const nothing = { userNid, userId, presence: 'offline' as const, statusMsg: undefined, lastActiveTs: undefined }
      records.push(presenceUsers.get(userNid) ?? nothing)
    }
    return this.#oldTexts(records)
  }

  #oldTexts(records: readonly PresenceRecord[]): string {
    const now = this.#parts.clock.now()
    return records
      .map((record) => ({ type: 'm.presence', content: { user_id: record.userId, ...presenceContent(record, now) } }))
      .map((event) => JSON.stringify(event))
      .join(',')
  }

  async #records(turn: SyncTurn, rooms: TurnRooms | undefined): Promise<PresenceRecord[]> {
    const { presence, presenceUsers } = this.#parts
    const { reader, filter, ignored } = turn
    if (!filter.presence.allowsType('m.presence')) return []
    const records: PresenceRecord[] = []
    for (const userNid of await this.#candidates(turn, rooms)) {
      const record = presenceUsers.get(userNid)
      if (!record || ignored.has(record.userId) || !filter.presence.passes({ type: 'm.presence', sender: record.userId }))
        continue
      if (await presence.isVisible(reader.userNid, userNid)) records.push(record)
    }
    return records
  }

  /** Those whose presence may be new to the reader, whether or not they may see it. */
  async #candidates({ since, upTo }: SyncTurn, rooms: TurnRooms | undefined): Promise<Set<number>> {
    const { presenceUsers, memberships } = this.#parts
    const changed = since === undefined ? undefined : presenceUsers.changed(since, upTo)
    if (since === undefined || !changed) return new Set([...presenceUsers.all()].map(({ userNid }) => userNid))
    for (const { roomNid, began } of rooms?.joined ?? []) {
      if (began <= since) continue
      for (const userNid of (await memberships.members(roomNid)).joined.keys())
        if (presenceUsers.get(userNid)) changed.add(userNid)
    }
    return changed
  }
}
