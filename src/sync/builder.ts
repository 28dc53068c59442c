import { scheduler } from 'node:timers/promises'
import { type EndOfStay, endOfLastStay } from '../rooms/last-stay.ts'
import type { RoomStates } from '../rooms/state.ts'
import type { AccountDataTable } from '../storage/account-data.ts'
import type { Events } from '../storage/events.ts'
import type { MembershipRecord } from '../storage/memberships.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { Timelines } from '../storage/timelines.ts'
import type { PushRules } from '../users/push-rules.ts'
import { answerOf, type Sections, type SyncAnswer } from './answer.ts'
import type { SyncExtension, TurnRooms } from './extension.ts'
import type { SyncTurn } from './request.ts'
import type { RoomSections } from './room-sections.ts'
import { type AccountDataNews, accountDataNews } from './streams/account-data.ts'
import { strippedRoom, type StrippedRoomParts } from './streams/invites.ts'

/** A long answer lets others have their turn after so many milliseconds. */
const YIELD_AFTER_MS = 10

const NOTHING: Sections = []

export interface SyncBuilderParts extends StrippedRoomParts {
  rooms: Rooms
  events: Events
  states: RoomStates
  timelines: Timelines
  accountData: AccountDataTable
  pushRules: PushRules
  sections: RoomSections
  extensions: readonly SyncExtension[]
}

/** Builds answers of `/sync`: a fold over the streams. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export class SyncBuilder {
  readonly #parts: SyncBuilderParts

  constructor(parts: SyncBuilderParts) {
    this.#parts = parts
  }

  async build(asked: SyncTurn, rooms: TurnRooms): Promise<SyncAnswer> {
    const { state, profileFields } = asked.filter
    const turn = { ...asked, met: state.lazyLoadMembers && profileFields.length > 0 ? new Set<string>() : undefined }
    const accountData = await accountDataNews(this.#parts, turn)
    const join = await this.#sections(turn, rooms.joined, (record) => this.#joined(turn, record, accountData))
    const invite = await this.#sections(turn, rooms.invited, (record) => strippedRoom(this.#parts, turn, record))
    const knock = await this.#sections(turn, rooms.knocked, (record) => strippedRoom(this.#parts, turn, record))
    const leave = await this.#sections(turn, rooms.left, (record) => this.#left(turn, record, accountData))
    const parts = []
    for (const extension of this.#parts.extensions) parts.push(...(await extension.parts(turn, rooms)))
    return answerOf(turn.upTo, { join, invite, knock, leave }, accountData.global, parts)
  }

  #joined(turn: SyncTurn, record: MembershipRecord, { byRoom }: AccountDataNews): Promise<string | undefined> {
    return this.#parts.sections.joined(turn, record, byRoom.get(record.roomNid) ?? [])
  }

  async #left(turn: SyncTurn, record: MembershipRecord, { byRoom }: AccountDataNews): Promise<string> {
    const { sections, events } = this.#parts
    const leave = await events.get(record.eventNid)
    const stay = await this.#lastStay(turn, record, leave)
    return stay ? sections.left(turn, record, leave, stay, byRoom.get(record.roomNid) ?? []) : sections.refused(turn, leave)
  }

  /** What ended the stay that the client has to hear of; undefined where it has heard of that, or there was none. */
  async #lastStay(turn: SyncTurn, record: MembershipRecord, leave: StoredEvent): Promise<EndOfStay | undefined> {
    const { since, reader } = turn
    const stay = await endOfLastStay(this.#parts, reader.userId, record)
    if (stay) return since === undefined || stay.position > since ? stay : undefined
    // By state resolution, a stay may end with an event that does not know of it.
    const wasJoined = since !== undefined && (await this.#parts.sections.wasJoined(turn, record, since))
    return wasJoined ? { event: leave, position: record.position } : undefined
  }

  async #sections(
    { filter }: SyncTurn,
    records: readonly MembershipRecord[],
    sectionOf: (record: MembershipRecord) => Promise<string | undefined>,
  ): Promise<Sections> {
    if (records.length === 0) return NOTHING
    const sections: [string, string][] = []
    let started = performance.now()
    for (const record of records) {
      const { roomId } = await this.#parts.rooms.get(record.roomNid)
      const section = filter.rooms.includes(roomId) ? await sectionOf(record) : undefined
      if (section !== undefined) sections.push([roomId, section])
      if (performance.now() - started < YIELD_AFTER_MS) continue
      await scheduler.yield()
      started = performance.now()
    }
    return sections
  }
}
