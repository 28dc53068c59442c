import { type JsonObject, stringAt } from '../../../schemas/json.ts'
import type { RoomStates } from '../../rooms/state.ts'
import type { EndOfStay } from '../../rooms/last-stay.ts'
import { stripped, type StrippedStates } from '../../rooms/stripped-state.ts'
import type { UnreadCounts } from '../../rooms/unread-counts.ts'
import type { Events } from '../../storage/events.ts'
import type { ReceiptsTable } from '../../storage/receipts.ts'
import type { Room, Rooms } from '../../storage/rooms.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { Timelines } from '../../storage/timelines.ts'
import type { Notifier } from '../../streams/notifier.ts'
import type { SyncFilters } from '../filters.ts'
import type { LazyMembers } from '../lazy-members.ts'
import type { RoomSummaries } from '../room-summary.ts'
import type { SectionContents } from '../section-contents.ts'
import type { SharedTexts } from '../shared-texts.ts'
import { bumpStamp } from './bump-stamps.ts'
import type { Connection, SentRoom } from './connections.ts'
import { type Draft, draftInitial, draftNews } from './room-drafts.ts'
import { neededMembers } from './room-members.ts'
import type { Hero, RoomResult, TimelineResult } from './room-result.ts'
import type { RoomStandings } from './room-standing.ts'
import type { SlidingTurn } from './request.ts'
import type { ScopedRoom } from './scope.ts'
import type { StateReader } from './state-reader.ts'
import { encodeToken } from '../../streams/position.ts'

export interface RoomResultsParts {
  rooms: Rooms
  events: Events
  timelines: Timelines
  receipts: ReceiptsTable
  states: RoomStates
  notifier: Notifier
  filters: SyncFilters
  contents: SectionContents
  stateReader: StateReader
  summaries: RoomSummaries
  lazyMembers: LazyMembers
  sharedTexts: SharedTexts
  strippedStates: StrippedStates
  standings: RoomStandings
  unreadCounts: UnreadCounts
}

/** A room of an answer, in the making. */
export interface RoomTurn {
  readonly turn: SlidingTurn
  readonly connection: Connection
  readonly scoped: ScopedRoom
  readonly room: Room
  /** The user holds a direct chat in it. */
  readonly isDm: boolean
  /** The user has privately marked some of it as read since the last answer. */
  readonly wasRead: boolean
  /** What the client was sent of it before. */
  readonly before: SentRoom | undefined
  /** Where the room ends for the user. */
  readonly end: number
  /** What the user is to the room since then. */
  readonly sinceEnd?: StoredEvent
}

/** What is to be said of a room, and what the client then knows. */
export interface RoomOutcome {
  readonly result: RoomResult | undefined
  readonly sent: SentRoom
}

/** Says of rooms what a client does not know yet. */
export class RoomResults {
  readonly #parts: RoomResultsParts

  constructor(parts: RoomResultsParts) {
    this.#parts = parts
  }

  /** False where it is certain that the client knows all of the room already. */
  mayHaveNews({ scoped: { record, config }, before, isDm, wasRead }: Omit<RoomTurn, 'room' | 'end'>): boolean {
    if (!before || wasRead || before.isDm !== isDm || record.position > before.upTo) return true
    if (record.membership !== 'join') return false
    if (config.timelineLimit > before.timelineLimit || config.requiredState !== before.requiredState) return true
    return this.#parts.notifier.mayRoomHaveChanged(record.roomNid, before.upTo)
  }

  async of(given: Omit<RoomTurn, 'room' | 'end'>): Promise<RoomOutcome> {
    const { membership, roomNid, position } = given.scoped.record
    const room = await this.#parts.rooms.get(roomNid)
    const turn = { ...given, room, end: given.turn.upTo }
    if (membership === 'join') return this.#seen(turn)
    const { before } = given
    if (before?.membership === membership && before.upTo >= position) return this.#reclassified(turn, before)
    if (membership === 'invite' || membership === 'knock') return this.#stripped(turn)
    const { event, stay } = await this.#parts.standings.of(given.scoped.record)
    const isNews = before === undefined ? stay !== undefined : before.membership === 'join' || isAfter(stay, before)
    if (!isNews) return this.#refused(turn, event)
    return this.#seen({ ...turn, end: stay?.position ?? position, sinceEnd: event })
  }

  /** A room that the user is joined to, or was up to its end. */
  async #seen(turn: RoomTurn): Promise<RoomOutcome> {
    const { before, scoped, isDm, turn: whole } = turn
    const { record, config } = scoped
    const known =
      before?.membership === 'join' && (record.membership !== 'join' || record.began <= before.upTo) ? before : undefined
    const draft = known ? await draftNews(this.#parts, turn, known) : await draftInitial(this.#parts, turn)
    const limit =
      known && !draft?.content.timeline.limited ? Math.max(known.timelineLimit, config.timelineLimit) : config.timelineLimit
    const sent = {
      upTo: whole.upTo,
      membership: record.membership,
      timelineLimit: limit,
      requiredState: config.requiredState,
      isDm,
    }
    if (!draft) return known ? { ...(await this.#reclassified(turn, known)), sent } : { result: undefined, sent }
    return { result: await this.#result(turn, draft, known), sent }
  }

  async #result(turn: RoomTurn, draft: Draft, known: SentRoom | undefined): Promise<RoomResult> {
    const { content, state, syncTurn } = draft
    const { isDm, scoped } = turn
    const members = await neededMembers(this.#parts, turn, draft, known)
    const requiredEvents = withOwn([...state, ...members], turn.sinceEnd)
    const required = await this.#parts.sharedTexts.of(syncTurn, content, requiredEvents)
    const isInitial = known === undefined
    return {
      initial: isInitial,
      membership: scoped.record.membership,
      lists: scoped.lists,
      bumpStamp: await this.#bumpStamp(turn),
      isDm: isDm === (known?.isDm ?? false) ? undefined : isDm,
      ...(await this.#naming(draft, isInitial)),
      ...(isInitial || content.state.summaryChanged ? await this.#summary(turn, draft) : undefined),
      counts: await this.#counts(turn),
      requiredState: isInitial || required !== '' ? required : undefined,
      requiredEvents,
      removedState: draft.removed,
      timeline: await this.#timeline(turn, draft, known),
    }
  }

  /** Name and avatar: as they are, or as they have become. */
  async #naming({ content }: Draft, isInitial: boolean): Promise<Pick<RoomResult, 'name' | 'avatar'>> {
    const { states } = this.#parts
    if (isInitial)
      return {
        name: textAt(await states.content(content.endRoot, 'm.room.name'), 'name'),
        avatar: textAt(await states.content(content.endRoot, 'm.room.avatar'), 'url'),
      }
    const gone = await this.#parts.stateReader.keysOf(content.state.removed)
    const changed = (wanted: string): JsonObject | undefined => {
      const isWanted = ({ type, stateKey }: Pick<StoredEvent, 'type' | 'stateKey'>) => type === wanted && stateKey === ''
      return content.state.events.find(isWanted)?.content ?? (gone.some(isWanted) ? {} : undefined)
    }
    const name = changed('m.room.name')
    const avatar = changed('m.room.avatar')
    return { name: name && (textAt(name, 'name') ?? null), avatar: avatar && (textAt(avatar, 'url') ?? null) }
  }

  /** For rooms that the user is not joined to, this represents when the relevant membership happened. */
  async #bumpStamp({ scoped: { record }, room, end }: RoomTurn): Promise<number> {
    return record.membership === 'join' ? bumpStamp(this.#parts, room.nid, end) : record.position
  }

  async #summary({ room, turn: { reader } }: RoomTurn, { content }: Draft): Promise<Partial<RoomResult>> {
    const { summaries, states } = this.#parts
    const { joined, invited, heroes } = await summaries.of(room.nid, content.endRoot, reader.userId)
    const shown = heroes?.map(
      async (userId): Promise<Hero> => ({
        user_id: userId,
        ...profileOf(await states.content(content.endRoot, 'm.room.member', userId)),
      }),
    )
    return { joinedCount: joined, invitedCount: invited, heroes: shown && (await Promise.all(shown)) }
  }

  async #timeline(turn: RoomTurn, draft: Draft, known: SentRoom | undefined): Promise<TimelineResult> {
    const { content, syncTurn, isExpanded } = draft
    const { events, entries, limited, startsAfter } = content.timeline
    const lastAnswer = known?.upTo ?? turn.connection.known.told?.position ?? Infinity
    return {
      events: await this.#parts.sharedTexts.of(syncTurn, content, events),
      eventIds: new Set(events.map(({ eventId }) => eventId)),
      prevBatch: encodeToken(startsAfter),
      limited,
      live: entries.filter(({ position }) => position > lastAnswer).length,
      expanded: isExpanded,
    }
  }

  async #counts({ scoped: { record }, turn: { reader, upTo } }: RoomTurn) {
    if (record.membership !== 'join') return undefined
    return (await this.#parts.unreadCounts.of(reader, record, upTo)).total()
  }

  /** Nothing has happened in the room; but it may have been read, or have become a direct chat. */
  async #reclassified(turn: RoomTurn, before: SentRoom): Promise<RoomOutcome> {
    const { isDm, scoped, wasRead } = turn
    const sent = { ...before, upTo: turn.turn.upTo, isDm }
    if (isDm === before.isDm && !wasRead && !(await this.#wasReadSince(turn, before.upTo))) return { result: undefined, sent }
    const { record, lists } = scoped
    const result = {
      initial: false,
      membership: record.membership,
      lists,
      bumpStamp: await this.#bumpStamp(turn),
      isDm: isDm === before.isDm ? undefined : isDm,
      counts: await this.#counts(turn),
    }
    return { result, sent }
  }

  async #wasReadSince({ scoped: { record }, turn }: RoomTurn, position: number): Promise<boolean> {
    if (record.membership !== 'join') return false
    const receipts = await this.#parts.receipts.since(record.roomNid, position, turn.upTo)
    return receipts.some(({ userNid }) => userNid === turn.reader.userNid)
  }

  /** A room that the user is invited to, or has knocked on. */
  async #stripped(turn: RoomTurn): Promise<RoomOutcome> {
    const { state } = await this.#parts.strippedStates.of(turn.scoped.record)
    return this.#outside(turn, { strippedState: state })
  }

  /** The user has refused the invite, or was refused: there is nothing of the room but that. */
  async #refused(turn: RoomTurn, event: StoredEvent): Promise<RoomOutcome> {
    const requiredState = await this.#parts.sharedTexts.single(event, turn.turn.reader)
    return this.#outside(turn, { requiredState, strippedState: [stripped(event)] })
  }

  #outside({ scoped, isDm, turn }: RoomTurn, said: Partial<RoomResult>): RoomOutcome {
    const { record, config, lists } = scoped
    const { membership, position } = record
    return {
      result: { initial: true, membership, lists, bumpStamp: position, isDm: isDm || undefined, ...said },
      sent: { upTo: turn.upTo, membership, timelineLimit: 0, requiredState: config.requiredState, isDm },
    }
  }
}

/** Whether a stay has ended since a room was last sent. */
const isAfter = (stay: EndOfStay | undefined, { upTo }: SentRoom): boolean => stay !== undefined && stay.position > upTo

/** What is required of a room's state, with the reader's own membership in place of an older one. */
function withOwn(state: readonly StoredEvent[], own: StoredEvent | undefined): readonly StoredEvent[] {
  return own ? state.map((event) => (event.kindNid === own.kindNid ? own : event)) : state
}

/** An empty name is none. */
const textAt = (content: JsonObject, key: string): string | undefined => stringAt(content, key) || undefined

function profileOf(member: JsonObject): Omit<Hero, 'user_id'> {
  const displayname = stringAt(member, 'displayname')
  const avatarUrl = stringAt(member, 'avatar_url')
  return { ...(displayname !== undefined && { displayname }), ...(avatarUrl !== undefined && { avatar_url: avatarUrl }) }
}
