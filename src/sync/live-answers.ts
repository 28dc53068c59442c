import { MAIN } from '../rooms/threads.ts'
import type { UnreadCounts, UnreadCursor, UnreadNews } from '../rooms/unread-counts.ts'
import type { UnreadEvents } from '../rooms/unread-events.ts'
import type { DeviceListsTable } from '../storage/device-lists.ts'
import type { MembershipRecord, Memberships } from '../storage/memberships.ts'
import type { ReceiptsTable } from '../storage/receipts.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { IgnoredUsers } from '../users/ignored-users.ts'
import { answerOf } from './answer.ts'
import type { SyncPart } from './extension.ts'
import type { LazyMembers } from './lazy-members.ts'
import type { SyncRequest, SyncTurn } from './request.ts'
import { type RoomSections, sectionOf } from './room-sections.ts'
import type { DeviceListStream } from './streams/device-lists.ts'
import type { KeyCountStream } from './streams/key-counts.ts'
import { countsText, notificationCounts } from './streams/notification-counts.ts'

export interface LiveAnswersParts<Frame extends object> {
  rooms: Rooms
  memberships: Memberships
  deviceListTable: Pick<DeviceListsTable, 'mayHaveChanged'>
  deviceListStream: DeviceListStream
  receipts: ReceiptsTable
  ignoredUsers: IgnoredUsers
  unreadCounts: UnreadCounts
  sections: Pick<RoomSections, 'shared'>
  keyCountStream: KeyCountStream
  lazyMembers: Pick<LazyMembers, 'has'>
  /** What the answer's text is sent as. */
  frameOf: (text: string) => Frame
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

/** An answer: its frame, or `nothing` where there is nothing new; `personal` where it has to be built for the one reader alone. */
export type LiveAnswer<Frame extends object> = Frame | 'nothing' | 'personal'

/** Who asks in the same way is told the same. */
export const groupOf = ({ filter, stateMember }: SyncRequest): string => `${filter.id} ${stateMember}`

/** What has happened to a reader: something in these joined rooms, and nothing else. */
export interface LiveNews {
  readonly reader: LiveReader
  /** The position up to which the reader has been told everything. */
  readonly since: number
  readonly rooms: ReadonlySet<number>
}

/** What has happened in a room, for whoever it is. */
interface RoomNews {
  readonly unread: UnreadNews
  /** Nids of those who have sent or read something, and so get something else than all others. */
  readonly authors: ReadonlySet<number>
}

/** A room's news as many readers get it. */
interface LiveRoom<Frame> {
  readonly roomId: string
  readonly text: string
  readonly isNews: boolean
  /** The member events that readers need beside the text, by kind: it is for those who have them. */
  readonly members: ReadonlyMap<number, number>
  readonly unread: UnreadNews
  /** The answers with news of this room alone, by all in which they differ: unread counts, and how many keys are left. */
  readonly frames: Map<readonly SyncPart[], Map<string, Frame>>
  /** The texts of unread counts where nothing is unread in threads: most readers have the same. */
  readonly totals: Map<number, string>
}

/** A room in one reader's answer. */
interface Told<Frame> {
  readonly room: LiveRoom<Frame>
  readonly counts: string
}

const NOBODY: ReadonlySet<string> = new Set()

/**
 * Answers for many readers at once, who have all been told everything up to a moment ago. Most of what happens is one message in
 * a room: then the answers of its readers differ in their unread counts at most, and those for whom they do not get the same bytes.
 */
export class LiveAnswers<Frame extends object> {
  readonly #parts: LiveAnswersParts<Frame>

  constructor(parts: LiveAnswersParts<Frame>) {
    this.#parts = parts
  }

  /** What has to be known of a reader; it holds until something touches the user. */
  async reader(request: SyncRequest): Promise<LiveReader> {
    const { memberships, ignoredUsers } = this.#parts
    const { reader } = request
    const records = await memberships.ofUser(reader.userNid)
    const ignored = await ignoredUsers.of(reader.userNid)
    return { request, records, group: groupOf(request), ignoresNobody: ignored.size === 0, cursors: new Map() }
  }

  /** What has happened with `since < position <= upTo`. */
  round(since: number, upTo: number): LiveRound<Frame> {
    return new LiveRound(since, upTo, this.#parts)
  }
}

export class LiveRound<Frame extends object> {
  readonly since: number
  readonly upTo: number
  readonly #parts: LiveAnswersParts<Frame>
  readonly #news = new Map<number, RoomNews | undefined>()
  /** By group of readers, and by room; undefined where each of them has to be told in a way of their own. */
  readonly #rooms = new Map<string, Map<number, LiveRoom<Frame> | undefined>>()

  constructor(since: number, upTo: number, parts: LiveAnswersParts<Frame>) {
    this.since = since
    this.upTo = upTo
    this.#parts = parts
  }

  async answer({ reader, since, rooms }: LiveNews): Promise<LiveAnswer<Frame>> {
    const { deviceListStream, keyCountStream } = this.#parts
    const { request, records, ignoresNobody } = reader
    if (!ignoresNobody || request.filter.profileFields.length > 0) return 'personal'
    // Rooms are woken some time after their members' devices have changed, so this is not a matter of the round alone.
    if (this.#mayHaveDeviceNews(since) && (await deviceListStream.parts({ ...request, since })).length > 0) return 'personal'
    const told: Told<Frame>[] = []
    for (const roomNid of rooms) {
      const record = records.get(roomNid)
      const room = record?.membership === 'join' ? await this.#room(reader, roomNid) : undefined
      if (!record || !room || !this.#hasMembers(reader, since, roomNid, room)) return 'personal'
      if (room.isNews) told.push({ room, counts: await this.#counts(reader, room, record) })
    }
    const [only, ...others] = told
    if (!only) return 'nothing'
    const keyCounts = await keyCountStream.parts(request)
    return others.length === 0 ? this.#frame(only.room, only.counts, keyCounts) : this.#build(told, keyCounts)
  }

  /** The same without waiting, for news of one room that others have been told of; undefined where something is not at hand. */
  answerAtHand(reader: LiveReader, since: number, roomNid: number): Frame | undefined {
    const room = this.#rooms.get(reader.group)?.get(roomNid)
    const cursor = reader.cursors.get(roomNid)
    const { userNid, deviceNid } = reader.request.reader
    if (!room?.isNews || !cursor || !reader.ignoresNobody || this.#mayHaveDeviceNews(since)) return undefined
    const keyCounts = this.#parts.keyCountStream.partsAtHand(deviceNid)
    if (!keyCounts || this.#news.get(roomNid)?.authors.has(userNid)) return undefined
    if (!this.#hasMembers(reader, since, roomNid, room)) return undefined
    const unread = cursor.next(room.unread)
    return unread && this.#frame(room, this.#textOf(unread, reader, room), keyCounts)
  }

  #mayHaveDeviceNews(since: number): boolean {
    return this.#parts.deviceListTable.mayHaveChanged(since)
  }

  #hasMembers({ request }: LiveReader, since: number, roomNid: number, { members }: LiveRoom<Frame>): boolean {
    return members.size === 0 || this.#parts.lazyMembers.has({ ...request, since }, roomNid, members)
  }

  async #counts({ request, cursors }: LiveReader, { unread }: LiveRoom<Frame>, record: MembershipRecord): Promise<string> {
    const { unreadCounts } = this.#parts
    const { roomNid } = record
    if (!cursors.has(roomNid)) cursors.set(roomNid, await unreadCounts.cursor(request.reader, record, unread.from))
    const next = cursors.get(roomNid)?.next(unread)
    return next ? countsText(request, next) : notificationCounts(unreadCounts, this.#turn(request), record)
  }

  #textOf(unread: UnreadEvents, { request }: LiveReader, { totals }: LiveRoom<Frame>): string {
    if (request.filter.timeline.unreadThreadNotifications && !isOfMain(unread.byThread())) return countsText(request, unread)
    let text = totals.get(unread.totalKey)
    if (text === undefined) totals.set(unread.totalKey, (text = countsText(request, unread)))
    return text
  }

  #frame(room: LiveRoom<Frame>, counts: string, keyCounts: readonly SyncPart[]): Frame {
    let frames = room.frames.get(keyCounts)
    if (!frames) room.frames.set(keyCounts, (frames = new Map()))
    let frame = frames.get(counts)
    if (!frame) frames.set(counts, (frame = this.#build([{ room, counts }], keyCounts)))
    return frame
  }

  #build(told: readonly Told<Frame>[], keyCounts: readonly SyncPart[]): Frame {
    const join = told.map(({ room: { roomId, text }, counts }) => [roomId, sectionOf(text, counts)] as const)
    const { texts } = answerOf(this.upTo, { join, invite: [], knock: [], leave: [] }, '', keyCounts)
    return this.#parts.frameOf(texts.join(''))
  }

  /** A room as this reader gets it together with others; undefined where that is not so. */
  async #room(reader: LiveReader, roomNid: number): Promise<LiveRoom<Frame> | undefined> {
    if (!this.#news.has(roomNid)) this.#news.set(roomNid, await this.#newsOf(roomNid))
    const news = this.#news.get(roomNid)
    if (!news || news.authors.has(reader.request.reader.userNid)) return undefined
    let rooms = this.#rooms.get(reader.group)
    if (!rooms) this.#rooms.set(reader.group, (rooms = new Map()))
    if (!rooms.has(roomNid)) rooms.set(roomNid, await this.#make(reader, roomNid, news))
    return rooms.get(roomNid)
  }

  async #newsOf(roomNid: number): Promise<RoomNews | undefined> {
    const { memberships, receipts, unreadCounts } = this.#parts
    // Who comes or goes changes whose devices each of the others keeps track of.
    if ((await memberships.begunSince(roomNid, this.since)).length > 0) return undefined
    const unread = await unreadCounts.news(roomNid, this.since, this.upTo)
    const read = await receipts.since(roomNid, this.since, this.upTo)
    const authors = [...read.map(({ userNid }) => userNid), ...(unread?.events ?? []).map(({ event }) => event.senderNid)]
    return unread && { unread, authors: new Set(authors) }
  }

  async #make({ request }: LiveReader, roomNid: number, { unread }: RoomNews): Promise<LiveRoom<Frame> | undefined> {
    const { sections, rooms } = this.#parts
    const shared = await sections.shared(this.#turn(request), roomNid)
    return shared && { ...shared, roomId: (await rooms.get(roomNid)).roomId, unread, frames: new Map(), totals: new Map() }
  }

  #turn(request: SyncRequest): SyncTurn & { readonly since: number } {
    return { ...request, since: this.since, upTo: this.upTo, ignored: NOBODY }
  }
}

const isOfMain = (threads: ReadonlyMap<string, unknown>): boolean => threads.size === 1 && threads.has(MAIN)
