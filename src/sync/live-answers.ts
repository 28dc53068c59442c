import type { UnreadCounts, UnreadCursor, UnreadNews } from '../rooms/unread-counts.ts'
import type { DeviceListsTable } from '../storage/device-lists.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { ReceiptsTable } from '../storage/receipts.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { AccountData } from '../users/account-data.ts'
import { answerOf } from './answer.ts'
import type { SyncPart } from './extension.ts'
import type { SyncRequest, SyncTurn } from './request.ts'
import { type RoomSections, sectionOf } from './room-sections.ts'
import type { KeyCountStream } from './streams/key-counts.ts'
import { countsText, notificationCounts } from './streams/notification-counts.ts'

export interface LiveAnswersParts {
  rooms: Rooms
  memberships: Memberships
  deviceListTable: DeviceListsTable
  receipts: ReceiptsTable
  accountData: AccountData
  unreadCounts: UnreadCounts
  sections: Pick<RoomSections, 'shared'>
  keyCountStream: KeyCountStream
  frameOf: (text: string) => Buffer
}

/** A reader, for as long as nothing happens to the user but in rooms. */
export interface LiveReader {
  readonly request: SyncRequest
  readonly records: ReadonlyMap<number, MembershipRecord>
  /** Those who ask for the same way of being told. */
  readonly group: string
  readonly ignoresNobody: boolean
  /** By room; those that were asked for. */
  readonly cursors: Map<number, UnreadCursor>
}

/** An answer: a frame, or `nothing` where there is nothing new; `personal` where it has to be built for the one reader alone. */
export type LiveAnswer = Buffer | 'nothing' | 'personal'

/** A room's news as many readers get it. */
interface LiveRoom {
  readonly roomId: string
  readonly text: string
  readonly isNews: boolean
  /** Nids of those who get something else: they have sent or read something. */
  readonly authors: ReadonlySet<number>
  readonly unread: UnreadNews | undefined
  /** The answers with news of this room alone, by all in which they differ. */
  readonly frames: Map<string, Buffer>
}

/** A room in one reader's answer. */
interface Told {
  readonly room: LiveRoom
  readonly counts: string
}

const NOBODY: ReadonlySet<string> = new Set()

/**
 * Answers for many readers at once, who have all been told everything up to a moment ago. Most of what happens is one message in
 * a room: then the answers of its readers differ in their unread counts at most, and those for whom they do not get the same bytes.
 */
export class LiveAnswers {
  readonly #parts: LiveAnswersParts

  constructor(parts: LiveAnswersParts) {
    this.#parts = parts
  }

  /** What has to be known of a reader; it holds until something touches the user. */
  async reader(request: SyncRequest): Promise<LiveReader> {
    const { memberships, accountData } = this.#parts
    const { reader, filter, stateMember } = request
    const records = await memberships.ofUser(reader.userNid)
    const ignored = await accountData.ignoredUsers(reader.userNid)
    return { request, records, group: `${filter.id} ${stateMember}`, ignoresNobody: ignored.size === 0, cursors: new Map() }
  }

  /** What has happened with `since < position <= upTo`. */
  round(since: number, upTo: number): LiveRound {
    return new LiveRound(since, upTo, this.#parts)
  }
}

export class LiveRound {
  readonly since: number
  readonly upTo: number
  readonly #parts: LiveAnswersParts
  /** By group of readers, and by room. */
  readonly #rooms = new Map<string, Map<number, LiveRoom>>()
  #hasDeviceNews: boolean | undefined

  constructor(since: number, upTo: number, parts: LiveAnswersParts) {
    this.since = since
    this.upTo = upTo
    this.#parts = parts
  }

  /** The answer for one to whom nothing has happened but in these joined rooms. */
  async answer(reader: LiveReader, rooms: ReadonlySet<number>): Promise<LiveAnswer> {
    this.#hasDeviceNews ??= (await this.#parts.deviceListTable.changedSince(this.since)).length > 0
    if (!reader.ignoresNobody || this.#hasDeviceNews) return 'personal'
    const told: Told[] = []
    for (const roomNid of rooms) {
      const room = this.#rooms.get(reader.group)?.get(roomNid) ?? (await this.#makeRoom(reader, roomNid))
      const record = reader.records.get(roomNid)
      if (!room || record?.membership !== 'join' || room.authors.has(reader.request.reader.userNid)) return 'personal'
      if (room.isNews) told.push({ room, counts: await this.#counts(reader, room, record) })
    }
    return told.length === 0 ? 'nothing' : this.#frame(told, await this.#parts.keyCountStream.parts(reader.request))
  }

  /** The same without waiting, for news of one room that others have been told of; undefined where something is not at hand. */
  answerAtHand(reader: LiveReader, rooms: ReadonlySet<number>): Buffer | undefined {
    const [roomNid = 0] = rooms
    const room = this.#rooms.get(reader.group)?.get(roomNid)
    const cursor = reader.cursors.get(roomNid)
    if (rooms.size !== 1 || !room?.isNews || !room.unread || !cursor || !reader.ignoresNobody || this.#hasDeviceNews)
      return undefined
    const { userNid, deviceNid } = reader.request.reader
    const keyCounts = this.#parts.keyCountStream.partsAtHand(deviceNid)
    if (!keyCounts || room.authors.has(userNid)) return undefined
    const unread = cursor.next(room.unread)
    return unread && this.#frame([{ room, counts: countsText(reader.request, unread) }], keyCounts)
  }

  async #counts({ request, cursors }: LiveReader, { unread }: LiveRoom, record: MembershipRecord): Promise<string> {
    const { unreadCounts } = this.#parts
    const { roomNid } = record
    if (unread && !cursors.has(roomNid)) cursors.set(roomNid, await unreadCounts.cursor(request.reader, record, unread.from))
    const next = unread && cursors.get(roomNid)?.next(unread)
    return next ? countsText(request, next) : notificationCounts(unreadCounts, this.#turn(request), record)
  }

  #frame(told: readonly Told[], keyCounts: readonly SyncPart[]): Buffer {
    const [only, ...others] = told
    if (!only || others.length > 0) return this.#build(told, keyCounts)
    let key = only.counts
    for (const { text } of keyCounts) key += text
    const known = only.room.frames.get(key)
    if (known) return known
    const frame = this.#build(told, keyCounts)
    only.room.frames.set(key, frame)
    return frame
  }

  #build(told: readonly Told[], keyCounts: readonly SyncPart[]): Buffer {
    const join = told.map(({ room: { roomId, text }, counts }) => [roomId, sectionOf(text, counts)] as const)
    const { texts } = answerOf(this.upTo, { join, invite: [], knock: [], leave: [] }, '', keyCounts)
    return this.#parts.frameOf(texts.join(''))
  }

  /** Undefined where it is not the same for all, or not for this reader. */
  async #makeRoom({ request, group }: LiveReader, roomNid: number): Promise<LiveRoom | undefined> {
    const { memberships, receipts, sections, rooms, unreadCounts } = this.#parts
    // Who comes or goes changes whose devices each of the others keeps track of.
    if ((await memberships.begunSince(roomNid, this.since)).length > 0) return undefined
    const shared = await sections.shared(this.#turn(request), roomNid)
    if (!shared) return undefined
    const read = await receipts.since(roomNid, this.since, this.upTo)
    const authors = new Set([...shared.senders, ...read.map(({ userNid }) => userNid)])
    if (authors.has(request.reader.userNid)) return undefined
    const room = {
      roomId: (await rooms.get(roomNid)).roomId,
      text: shared.text,
      isNews: shared.isNews,
      authors,
      unread: await unreadCounts.news(roomNid, this.since, this.upTo),
      frames: new Map<string, Buffer>(),
    }
    const made = this.#rooms.get(group)
    if (made) made.set(roomNid, room)
    else this.#rooms.set(group, new Map([[roomNid, room]]))
    return room
  }

  #turn(request: SyncRequest): SyncTurn & { readonly since: number } {
    return { ...request, since: this.since, upTo: this.upTo, ignored: NOBODY }
  }
}
