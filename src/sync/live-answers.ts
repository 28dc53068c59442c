import type { DeviceListsTable } from '../storage/device-lists.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { ReceiptsTable } from '../storage/receipts.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { UnreadCounts } from '../rooms/unread-counts.ts'
import type { AccountData } from '../users/account-data.ts'
import { answerOf } from './answer.ts'
import type { SyncPart } from './extension.ts'
import type { SyncRequest, SyncTurn } from './request.ts'
import { type RoomSections, sectionOf } from './room-sections.ts'
import type { KeyCountStream } from './streams/key-counts.ts'
import { notificationCounts } from './streams/notification-counts.ts'

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

const NO_PARTS: readonly SyncPart[] = []
const NOBODY: ReadonlySet<string> = new Set()

/** A room's news as many readers get it. */
interface LiveRoom {
  readonly roomId: string
  readonly text: string
  readonly isNews: boolean
  /** Nids of those who get something else: they have sent or read something. */
  readonly authors: ReadonlySet<number>
}

/**
 * Answers for many readers at once, who have all been told everything up to a moment ago. Most of what happens is one message in
 * a room: then the answers of its readers differ in their unread counts at most, and those for whom they do not get the same bytes.
 */
export class LiveAnswers {
  readonly #parts: LiveAnswersParts

  constructor(parts: LiveAnswersParts) {
    this.#parts = parts
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
  /** By what readers ask for, and by room. */
  readonly #rooms = new Map<string, Map<number, LiveRoom>>()
  /** By all in which they differ. */
  readonly #frames = new Map<string, Buffer>()
  #deviceLists: Promise<readonly number[]> | undefined

  constructor(since: number, upTo: number, parts: LiveAnswersParts) {
    this.since = since
    this.upTo = upTo
    this.#parts = parts
  }

  /**
   * The answer for one to whom nothing has happened but in these joined rooms; undefined for nothing new, `personal` where it has
   * to be built for this reader alone.
   */
  async answer(request: SyncRequest, rooms: ReadonlySet<number>): Promise<Buffer | undefined | 'personal'> {
    const { memberships, accountData, deviceListTable, unreadCounts } = this.#parts
    const { reader } = request
    this.#deviceLists ??= deviceListTable.changedSince(this.since)
    if ((await this.#deviceLists).length > 0 || (await accountData.ignoredUsers(reader.userNid)).size > 0) return 'personal'
    const turn = { ...request, since: this.since, upTo: this.upTo, ignored: NOBODY }
    const records = await memberships.ofUser(reader.userNid)
    const news: [LiveRoom, string][] = []
    for (const roomNid of rooms) {
      const room = await this.#room(turn, roomNid)
      const record = records.get(roomNid)
      if (!room || record?.membership !== 'join' || room.authors.has(reader.userNid)) return 'personal'
      if (room.isNews) news.push([room, await notificationCounts(unreadCounts, turn, record)])
    }
    return news.length === 0 ? undefined : this.#frame(turn, news)
  }

  async #frame(turn: SyncTurn, news: readonly [LiveRoom, string][]): Promise<Buffer> {
    const parts = await this.#parts.keyCountStream.parts(turn)
    const key = [
      keyOf(turn),
      ...parts.map(({ text }) => text),
      ...news.map(([{ roomId }, counts]) => `${roomId} ${counts}`),
    ].join()
    const known = this.#frames.get(key)
    if (known) return known
    const join = news.map(([{ roomId, text }, counts]) => [roomId, sectionOf(text, counts)] as const)
    const answer = answerOf(this.upTo, { join, invite: [], knock: [], leave: [] }, '', parts.length === 0 ? NO_PARTS : parts)
    const frame = this.#parts.frameOf(answer.texts.join(''))
    this.#frames.set(key, frame)
    return frame
  }

  /** Undefined where it is not the same for all, or not for this reader. */
  async #room(turn: SyncTurn & { readonly since: number }, roomNid: number): Promise<LiveRoom | undefined> {
    const key = keyOf(turn)
    let rooms = this.#rooms.get(key)
    if (!rooms) this.#rooms.set(key, (rooms = new Map()))
    const known = rooms.get(roomNid)
    if (known) return known
    const room = await this.#make(turn, roomNid)
    if (room) rooms.set(roomNid, room)
    return room
  }

  async #make(turn: SyncTurn & { readonly since: number }, roomNid: number): Promise<LiveRoom | undefined> {
    const { memberships, receipts, sections, rooms } = this.#parts
    // Who comes or goes changes whose devices each of the others keeps track of.
    if ((await memberships.begunSince(roomNid, this.since)).length > 0) return undefined
    const shared = await sections.shared(turn, roomNid)
    if (!shared) return undefined
    const read = await receipts.since(roomNid, this.since, this.upTo)
    const authors = new Set([...shared.senders, ...read.map(({ userNid }) => userNid)])
    if (authors.has(turn.reader.userNid)) return undefined
    return { roomId: (await rooms.get(roomNid)).roomId, text: shared.text, isNews: shared.isNews, authors }
  }
}

const keyOf = ({ filter, stateMember }: SyncRequest): string => `${filter.id} ${stateMember}`
