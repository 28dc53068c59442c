import type { StateKey } from '../../protocol/event.ts'
import type { StoredEvent } from '../../storage/stored-event.ts'
import type { SyncFilter } from '../filter.ts'
import type { SyncFilters } from '../filters.ts'
import type { SyncTurn } from '../request.ts'
import type { SectionContent, SectionContents } from '../section-contents.ts'
import type { SentRoom } from './connections.ts'
import type { RoomTurn } from './room-results.ts'
import type { StateReader } from './state-reader.ts'

export interface DraftParts {
  filters: SyncFilters
  contents: SectionContents
  stateReader: StateReader
}

/** The events that an answer holds of a room. */
export interface Draft {
  /** Its state is what has changed since the last answer. */
  readonly content: SectionContent
  /** What of it, and of the rest of the state, the client requires. */
  readonly state: readonly StoredEvent[]
  /** What is there no more of what it requires. */
  readonly removed: readonly StateKey[]
  /** The timeline goes back to before the last answer. */
  readonly isExpanded: boolean
  /** As `/sync` would have asked. */
  readonly syncTurn: SyncTurn
}

/** A room of which the client knows nothing. */
export async function draftInitial(parts: DraftParts, turn: RoomTurn): Promise<Draft> {
  const { room, end, scoped } = turn
  const { userId } = turn.turn.reader
  const syncTurn = await turnOf(parts, turn, undefined, 'timeline only')
  const content = await parts.contents.of(syncTurn, { room, upTo: end, after: undefined, wholeState: true })
  const state = await parts.stateReader.at(content.endRoot, scoped.config.requiredState, userId)
  return { content, state, removed: [], isExpanded: false, syncTurn }
}

/** What has happened in a room since it was last sent, and what is asked for now but was not then; undefined for nothing. */
export async function draftNews(parts: DraftParts, turn: RoomTurn, known: SentRoom): Promise<Draft | undefined> {
  const { room, end, scoped } = turn
  const { requiredState } = scoped.config
  const { userId } = turn.turn.reader
  const syncTurn = await turnOf(parts, turn, known.upTo, 'all')
  const isJoined = scoped.record.membership === 'join'
  const news = isJoined
    ? await parts.contents.news(syncTurn, room, known.upTo)
    : await parts.contents.of(syncTurn, { room, upTo: end, after: known.upTo, wholeState: false })
  const changed = news ? required(news, turn) : []
  const removed = news ? await requiredKeys(parts, news, turn) : []
  const expanded = isJoined ? await expandedTimeline(parts, turn, known) : undefined
  const grown = requiredState !== known.requiredState && isJoined
  if (!news && !expanded && !grown) return undefined
  const content = await whole(parts, turn, news, expanded)
  const added = grown ? await parts.stateReader.at(content.endRoot, requiredState, userId, known.requiredState) : []
  const state = [...new Map([...changed, ...added].map((event) => [event.nid, event])).values()]
  const isNews = expanded || state.length + removed.length > 0 || content.state.summaryChanged || hasTimeline(content)
  return isNews ? { content, state, removed, isExpanded: expanded !== undefined, syncTurn } : undefined
}

/** The state that has changed, as far as the client requires it. */
function required(content: SectionContent, turn: RoomTurn): StoredEvent[] {
  return content.state.events.filter((event) => isRequired(event, content, turn))
}

/** The same for state that was removed. */
async function requiredKeys({ stateReader }: DraftParts, content: SectionContent, turn: RoomTurn): Promise<StateKey[]> {
  return (await stateReader.keysOf(content.state.removed)).filter((key) => isRequired(key, content, turn))
}

function isRequired(
  { type, stateKey = '' }: Pick<StoredEvent, 'type' | 'stateKey'>,
  { timeline }: SectionContent,
  { scoped, turn }: RoomTurn,
): boolean {
  const { requiredState } = scoped.config
  // "All membership updates since the last sync when `limited` is false": clients keep lists of members by that.
  const allMembers = requiredState.lazyMembers && !timeline.limited
  return requiredState.matches(type, stateKey, turn.reader.userId) || (allMembers && type === 'm.room.member')
}

/** More of the last events than the client has, where it asks for more than before. */
async function expandedTimeline(parts: DraftParts, turn: RoomTurn, known: SentRoom): Promise<SectionContent | undefined> {
  const { room, end, scoped } = turn
  if (scoped.config.timelineLimit <= known.timelineLimit) return undefined
  const syncTurn = await turnOf(parts, turn, undefined, 'timeline only')
  const content = await parts.contents.of(syncTurn, { room, upTo: end, after: undefined, wholeState: true })
  return content.timeline.events.length > known.timelineLimit ? content : undefined
}

/** The news with the timeline that goes further back. */
async function whole(
  parts: DraftParts,
  turn: RoomTurn,
  news: SectionContent | undefined,
  expanded: SectionContent | undefined,
): Promise<SectionContent> {
  if (news && !expanded) return news
  const older = expanded ?? (await nothing(parts, turn))
  const state = news?.state ?? { events: [], removed: [], summaryChanged: false, memberRoot: older.endRoot }
  return { ...older, state }
}

/** The room without any events. */
async function nothing(parts: DraftParts, turn: RoomTurn): Promise<SectionContent> {
  const { room, end } = turn
  const syncTurn = await turnOf(parts, turn, end, 'timeline only')
  return parts.contents.of(syncTurn, { room, upTo: end, after: end, wholeState: false })
}

const hasTimeline = ({ timeline }: SectionContent): boolean => timeline.events.length > 0 || timeline.limited

async function turnOf(
  { filters }: DraftParts,
  { turn, scoped }: RoomTurn,
  since: number | undefined,
  what: 'all' | 'timeline only',
): Promise<SyncTurn> {
  const state = what === 'all' ? {} : { types: [] }
  const text = JSON.stringify({ room: { timeline: { limit: scoped.config.timelineLimit }, state } })
  const filter: SyncFilter = await filters.resolve(turn.reader.userNid, text)
  return { ...turn, filter, since }
}
