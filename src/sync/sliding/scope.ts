import type { RoomId } from '../../../schemas/ids.ts'
import type { MembershipRecord } from '../../storage/memberships.ts'
import type { Rooms } from '../../storage/rooms.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { InvitePermissions } from '../../users/invite-permissions.ts'
import type { SentRoom } from './connections.ts'
import { RequiredState } from './required-state.ts'
import type { ListRequest, RoomConfig, SlidingRequest, SlidingTurn } from './request.ts'
import type { RoomFilterer } from './room-filters.ts'
import type { RoomStandings } from './room-standing.ts'

export interface ScopesParts {
  rooms: Rooms
  filterer: RoomFilterer
  standings: RoomStandings
  invitePermissions: Pick<InvitePermissions, 'hides'>
}

/** A room that an answer may tell of, and why. */
export interface ScopedRoom {
  readonly record: MembershipRecord
  /** What all of its lists and its subscription ask for together. */
  readonly config: RoomConfig
  readonly lists: readonly string[]
  /** The id under which the client subscribes to it. */
  readonly subscribedAs: RoomId | undefined
}

export interface Scope {
  readonly rooms: ReadonlyMap<number, ScopedRoom>
  /** How many rooms each list has, its range left aside. */
  readonly counts: ReadonlyMap<string, number>
  /** The rooms of each list, in and out of its window. */
  readonly matching: readonly (readonly MembershipRecord[])[]
}

interface Draft {
  readonly record: MembershipRecord
  readonly configs: RoomConfig[]
  readonly lists: string[]
  subscribedAs: RoomId | undefined
}

/** Finds the rooms that a client asks for: those in the windows of its lists, and those that it subscribes to. */
export class Scopes {
  readonly #parts: ScopesParts

  constructor(parts: ScopesParts) {
    this.#parts = parts
  }

  /** @param ordered all rooms of the user, the most active first */
  async of(
    request: SlidingRequest,
    turn: SlidingTurn,
    ordered: readonly MembershipRecord[],
    sent: ReadonlyMap<number, SentRoom>,
  ): Promise<Scope> {
    const drafts = new Map<number, Draft>()
    const counts = new Map<string, number>()
    const all: (readonly MembershipRecord[])[] = []
    const listed = request.lists.size === 0 ? [] : await this.#listed(ordered, turn, sent)
    for (const [name, list] of request.lists) {
      const matching = await this.#parts.filterer.matching(list.filters, listed, turn.reader.userNid, turn.upTo)
      counts.set(name, matching.length)
      all.push(matching)
      for (const record of windows(matching, list)) draftOf(drafts, record, list.config).lists.push(name)
    }
    await this.#addSubscriptions(request, turn, ordered, drafts)
    return { rooms: new Map([...drafts].map(([roomNid, draft]) => [roomNid, scopedRoom(draft)])), counts, matching: all }
  }

  /** The rooms that lists are made of. */
  async #listed(
    ordered: readonly MembershipRecord[],
    turn: SlidingTurn,
    sent: ReadonlyMap<number, SentRoom>,
  ): Promise<readonly MembershipRecord[]> {
    const listed: MembershipRecord[] = []
    for (const record of ordered)
      if (record.membership === 'join' || (await this.#isListed(record, turn, sent.get(record.roomNid)))) listed.push(record)
    return listed
  }

  /**
   * Rooms that the user has left are only included if they were sent before; those that they were kicked or banned from always,
   * unless they were never joined to them.
   */
  async #isListed(record: MembershipRecord, turn: SlidingTurn, sent: SentRoom | undefined): Promise<boolean> {
    // A device is told of a room that was left and forgotten on another one, and then no more.
    if (record.forgotten) return sent !== undefined && sent.membership !== record.membership
    if (record.membership === 'knock') return true
    if (sent && record.membership !== 'invite') return true
    const { event, stay, byOthers } = await this.#parts.standings.of(record)
    if (record.membership === 'invite') return this.#isShown(event, turn)
    return stay !== undefined && byOthers
  }

  async #addSubscriptions(
    { subscriptions }: SlidingRequest,
    turn: SlidingTurn,
    ordered: readonly MembershipRecord[],
    drafts: Map<number, Draft>,
  ): Promise<void> {
    if (subscriptions.size === 0) return
    const records = new Map(ordered.map((record) => [record.roomNid, record]))
    for (const [roomId, config] of subscriptions) {
      const room = await this.#parts.rooms.find(roomId)
      const record = room && records.get(room.nid)
      // Rooms that a user subscribes to that they do not have permission to see are ignored.
      if (!record || !(await this.#maySubscribe(record, turn))) continue
      draftOf(drafts, record, config).subscribedAs = roomId
    }
  }

  async #maySubscribe(record: MembershipRecord, turn: SlidingTurn): Promise<boolean> {
    if (record.membership === 'join' || record.membership === 'knock') return true
    const { event, stay } = await this.#parts.standings.of(record)
    return record.membership === 'invite' ? this.#isShown(event, turn) : stay !== undefined && !record.forgotten
  }

  async #isShown(invite: StoredEvent, { reader, ignored }: SlidingTurn): Promise<boolean> {
    return !(await this.#parts.invitePermissions.hides(reader.userNid, invite.sender, ignored))
  }
}

function draftOf(drafts: Map<number, Draft>, record: MembershipRecord, config: RoomConfig): Draft {
  const draft = drafts.get(record.roomNid) ?? { record, configs: [], lists: [], subscribedAs: undefined }
  drafts.set(record.roomNid, draft)
  if (!draft.configs.includes(config)) draft.configs.push(config)
  return draft
}

function windows(records: readonly MembershipRecord[], { ranges }: ListRequest): readonly MembershipRecord[] {
  if (!ranges) return records
  const [only] = ranges
  if (only && ranges.length === 1) return records.slice(only[0], only[1] + 1)
  return [...new Set(ranges.flatMap(([first, last]) => records.slice(first, last + 1)))]
}

function scopedRoom({ record, configs, lists, subscribedAs }: Draft): ScopedRoom {
  return { record, config: combined(configs), lists, subscribedAs }
}

/** The superset of some configs. */
function combined(configs: readonly RoomConfig[]): RoomConfig {
  const [first] = configs
  if (first && configs.length === 1) return first
  return configs.reduce(
    (all, { timelineLimit, requiredState }) => ({
      timelineLimit: Math.max(all.timelineLimit, timelineLimit),
      requiredState: all.requiredState.and(requiredState),
    }),
    first ?? { timelineLimit: 0, requiredState: RequiredState.of([]) },
  )
}
