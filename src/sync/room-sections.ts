import { stringAt } from '../../schemas/json.ts'
import { STICKY } from '../protocol/sticky.ts'
import type { EndOfStay } from '../rooms/last-stay.ts'
import type { StateAtPosition } from '../rooms/state-at-position.ts'
import type { RoomStates } from '../rooms/state.ts'
import type { UnreadCounts } from '../rooms/unread-counts.ts'
import type { AccountDataEntry } from '../storage/account-data.ts'
import type { MembershipRecord } from '../storage/memberships.ts'
import type { Room, Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import { encodeToken } from '../streams/position.ts'
import type { TypingUsers } from '../streams/typing.ts'
import type { EventTexts } from './event-texts.ts'
import { type LazyMembers, membersOf, membersTold, sendersToKnow } from './lazy-members.ts'
import type { SyncTurn } from './request.ts'
import type { SectionContent, SectionContents } from './section-contents.ts'
import type { SharedTexts } from './shared-texts.ts'
import type { RoomSummaries, RoomSummary } from './room-summary.ts'
import { accountDataText } from './streams/account-data.ts'
import { notificationCounts } from './streams/notification-counts.ts'
import type { ReceiptStream } from './streams/receipts.ts'
import type { StickyStream } from './streams/sticky.ts'
import { NO_NEWS, typingNews } from './streams/typing.ts'

export interface RoomSectionsParts {
  rooms: Rooms
  states: RoomStates
  stateAtPosition: StateAtPosition
  contents: SectionContents
  texts: EventTexts
  sharedTexts: SharedTexts
  summaries: RoomSummaries
  lazyMembers: LazyMembers
  unreadCounts: UnreadCounts
  typing: TypingUsers
  receipts: ReceiptStream
  stickyStream: StickyStream
}

/** The part of a room's section that many readers share. */
export interface SharedNews {
  readonly text: string
  readonly isNews: boolean
  /** Lazily loaded members that the text takes for known: nids by kind nid. */
  readonly members: ReadonlyMap<number, number>
}

const NOBODY: ReadonlyMap<number, number> = new Map()
const NOTHING_SHARED: SharedNews = { text: '', isNews: false, members: NOBODY }

/** Summary, state and timeline of a section. */
interface RoomEvents {
  readonly text: string
  readonly isNews: boolean
}

/** A joined room's section. @param counts of unread events, which each reader has their own of */
export const sectionOf = (news: string, counts: string): string => `{${news},${counts}}`

/** Writes the sections of rooms that the reader is joined to, or was until now. */
export class RoomSections {
  readonly #parts: RoomSectionsParts

  constructor(parts: RoomSectionsParts) {
    this.#parts = parts
  }

  /** The section of a joined room; undefined where it holds nothing new. */
  async joined(turn: SyncTurn, record: MembershipRecord, accountData: readonly AccountDataEntry[]): Promise<string | undefined> {
    const { rooms, unreadCounts, stickyStream } = this.#parts
    const room = await rooms.get(record.roomNid)
    const isNew = turn.since === undefined || (record.began > turn.since && !(await this.wasJoined(turn, record, turn.since)))
    const content = await this.#content(turn, room, record, isNew)
    const ephemeral = await this.#ephemeral(turn, room, isNew)
    const filter = turn.filter.roomAccountData
    const data = filter.allowsRoom(room.roomId) ? accountDataText(accountData, filter) : ''
    const events = content && (await this.#events(turn, room, content, isNew))
    const sticky = await stickyStream.news(turn, room.nid, isNew, content?.timeline.events ?? [])
    const isNews = events?.isNews === true || ephemeral.isNews || data !== '' || sticky !== ''
    if (!isNew && !turn.fullState && !isNews) return undefined
    const news = this.#news(turn, events?.text, ephemeral.text, data)
    return sectionOf(
      sticky === '' ? news : `${news},"${STICKY}":{"events":[${sticky}]}`,
      await notificationCounts(unreadCounts, turn, record),
    )
  }

  /**
   * What all members get, like this one, who were there all the time, ignore nobody, have sent none of the events, and have been
   * told of `members` before; undefined where that is not the same.
   */
  async shared(turn: SyncTurn & { readonly since: number }, roomNid: number): Promise<SharedNews | undefined> {
    const { rooms, contents, lazyMembers, stickyStream } = this.#parts
    const room = await rooms.get(roomNid)
    if (!turn.filter.rooms.includes(room.roomId)) return NOTHING_SHARED
    const content = await contents.news(turn, room, turn.since)
    if (content && !(await this.#isAlike(turn, content))) return undefined
    if ((await stickyStream.news(turn, roomNid, false, content?.timeline.events ?? [])) !== '') return undefined
    const isLazy = content !== undefined && turn.filter.state.lazyLoadMembers
    const members = isLazy ? await lazyMembers.of(content.state.memberRoot, sendersToKnow(content.timeline.events)) : NOBODY
    const events = content && (await this.#text(turn, room, content, [], false))
    const ephemeral = await this.#ephemeral(turn, room, false)
    const isNews = events?.isNews === true || ephemeral.isNews
    return { text: this.#news(turn, events?.text, ephemeral.text, ''), isNews, members }
  }

  /** Whether a content is the same for all readers who have sent none of it; where members are lazily loaded, that they are told of here is remembered for each. */
  async #isAlike(turn: SyncTurn, { isForAll, state, timeline }: SectionContent): Promise<boolean> {
    if (!isForAll || state.events.length > 0 || state.summaryChanged) return false
    if (turn.filter.state.lazyLoadMembers && timeline.events.some(({ type }) => type === 'm.room.member')) return false
    return this.#parts.sharedTexts.isForAll(turn, timeline.events)
  }

  #news(turn: SyncTurn, events: string | undefined, ephemeral: string, accountData: string): string {
    return `${events ?? this.#noEvents(turn)},"ephemeral":{"events":[${ephemeral}]},"account_data":{"events":[${accountData}]}`
  }

  /**
   * The section of a room that the reader has left, up to what ended their stay.
   * @param leave what they are to the room since; it need not be what ended the stay, as where a ban has been lifted
   */
  async left(
    turn: SyncTurn,
    record: MembershipRecord,
    leave: StoredEvent,
    stay: EndOfStay,
    accountData: readonly AccountDataEntry[],
  ): Promise<string> {
    const room = await this.#parts.rooms.get(record.roomNid)
    const isNew = turn.since === undefined || !(await this.wasJoined(turn, record, turn.since))
    const after = isNew ? undefined : turn.since
    const wish = { room, upTo: stay.position, after, wholeState: isNew || turn.fullState }
    const content = await this.#parts.contents.of(turn, wish)
    const whole = stay.event.nid === leave.nid ? content : withLast(turn, content, leave)
    const { text } = await this.#events(turn, room, whole, isNew)
    return `{${text},"account_data":{"events":[${accountDataText(accountData, turn.filter.roomAccountData)}]}}`
  }

  /** The section of a room whose invite the reader has refused, or whose knock was withdrawn: nothing but the end of it. */
  async refused(turn: SyncTurn, leave: StoredEvent): Promise<string> {
    const { texts } = this.#parts
    const timeline = turn.filter.timeline.passes(leave) ? await texts.of([leave], turn.reader, turn.filter) : ''
    const token = encodeToken(turn.since ?? turn.upTo)
    return `{"${turn.stateMember}":{"events":[]},"timeline":{"events":[${timeline}],"limited":false,"prev_batch":"${token}"},"account_data":{"events":[]}}`
  }

  /** Whether the reader was joined to the room at an earlier position. */
  async wasJoined(turn: SyncTurn, { roomNid }: MembershipRecord, position: number): Promise<boolean> {
    const { states, stateAtPosition } = this.#parts
    const root = await stateAtPosition.root(roomNid, position)
    return stringAt(await states.content(root, 'm.room.member', turn.reader.userId), 'membership') === 'join'
  }

  async #content(turn: SyncTurn, room: Room, record: MembershipRecord, isNew: boolean): Promise<SectionContent | undefined> {
    const { contents } = this.#parts
    const { since, upTo, fullState } = turn
    if (isNew || since === undefined) return contents.of(turn, { room, upTo, after: undefined, wholeState: true })
    if (fullState || record.began > since) return contents.of(turn, { room, upTo, after: since, wholeState: fullState })
    return contents.news(turn, room, since)
  }

  async #ephemeral(turn: SyncTurn, room: Room, isNew: boolean) {
    const { typing, receipts } = this.#parts
    const { ephemeral } = turn.filter
    if (!ephemeral.allowsRoom(room.roomId)) return NO_NEWS
    const typed = typingNews(typing, turn, room.nid, isNew)
    const read = await receipts.news(turn, room.nid, isNew)
    return {
      text: typed.text !== '' && read.text !== '' ? `${typed.text},${read.text}` : typed.text + read.text,
      isNews: typed.isNews || read.isNews,
    }
  }

  /** Summary, state and timeline. */
  async #events(turn: SyncTurn, room: Room, content: SectionContent, isNew: boolean): Promise<RoomEvents> {
    const members = turn.filter.state.lazyLoadMembers ? await this.#members(turn, room, content, isNew) : []
    return this.#text(turn, room, content, members, isNew)
  }

  /** @param members lazily loaded members, which are told with the state */
  async #text(
    turn: SyncTurn,
    room: Room,
    content: SectionContent,
    members: readonly StoredEvent[],
    isNew: boolean,
  ): Promise<RoomEvents> {
    const { timeline, state, endRoot } = content
    const stateText = await this.#parts.sharedTexts.of(
      turn,
      content,
      members.length === 0 ? state.events : [...state.events, ...members],
    )
    const timelineText = await this.#parts.sharedTexts.of(turn, content, timeline.events)
    const summary = state.summaryChanged ? `${await this.#summary(turn, room, endRoot)},` : ''
    const prevBatch = encodeToken(timeline.startsAfter)
    // At the start of an answer that is the first to tell of a room, the client has to throw away what it had of the timeline.
    const limited = timeline.limited || (isNew && turn.since !== undefined)
    return {
      text: `${summary}"${turn.stateMember}":{"events":[${stateText}]},"timeline":{"events":[${timelineText}],"limited":${limited},"prev_batch":"${prevBatch}"}`,
      isNews: timelineText !== '' || stateText !== '' || timeline.limited || state.summaryChanged,
    }
  }

  #noEvents({ stateMember, upTo }: SyncTurn): string {
    return `"${stateMember}":{"events":[]},"timeline":{"events":[],"limited":false,"prev_batch":"${encodeToken(upTo)}"}`
  }

  /** Member events that go with lazily loaded members: of senders, of heroes, and the reader's own with the whole state. */
  async #members(
    turn: SyncTurn,
    room: Room,
    { timeline, state, endRoot }: SectionContent,
    isNew: boolean,
  ): Promise<StoredEvent[]> {
    const { lazyMembers, summaries } = this.#parts
    const isWhole = isNew || turn.fullState
    if (isNew) lazyMembers.forget(turn, room.nid)
    // Where there is a `state_after`, clients must not take any state from the timeline.
    const told = turn.stateMember === 'state' ? [...timeline.events, ...state.events] : state.events
    const users = turn.stateMember === 'state' ? sendersToKnow(timeline.events) : membersOf(timeline.events)
    if (isWhole) users.add(turn.reader.userId)
    if (state.summaryChanged)
      for (const hero of (await summaries.of(room.nid, endRoot, turn.reader.userId)).heroes ?? []) users.add(hero)
    const known = new Set(told.map(({ nid }) => nid))
    const members = await lazyMembers.needed(turn, room.nid, state.memberRoot, users, known)
    lazyMembers.remember(turn, room.nid, [...told, ...members])
    if (turn.met) for (const userId of membersTold([...told, ...members])) turn.met.add(userId)
    return members.filter((event) => turn.filter.state.passes(event))
  }

  async #summary(turn: SyncTurn, room: Room, endRoot: number): Promise<string> {
    return `"summary":${summaryText(await this.#parts.summaries.of(room.nid, endRoot, turn.reader.userId))}`
  }
}

/** A content with one more event at its end: the reader's own membership, of which they are told although they see no more. */
function withLast({ filter, stateMember }: SyncTurn, content: SectionContent, last: StoredEvent): SectionContent {
  const { timeline, state } = content
  const others = state.events.filter(({ kindNid }) => kindNid !== last.kindNid)
  return {
    ...content,
    timeline: filter.timeline.passes(last) ? { ...timeline, events: [...timeline.events, last] } : timeline,
    state: stateMember !== 'state' && filter.state.passes(last) ? { ...state, events: [...others, last] } : state,
  }
}

function summaryText({ joined, invited, heroes }: RoomSummary): string {
  const named = heroes === undefined ? '' : `"m.heroes":${JSON.stringify(heroes)},`
  return `{${named}"m.joined_member_count":${joined},"m.invited_member_count":${invited}}`
}
