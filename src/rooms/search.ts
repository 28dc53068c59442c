/** https://spec.matrix.org/v1.19/client-server-api/#server-side-search */
import type { RoomId } from '../../schemas/ids.ts'
import { invalidParam } from '../core/errors.ts'
import { slicesOf } from '../core/slices.ts'
import { matchAll, wantedWords } from '../core/words.ts'
import type { EventWords, WordMatch } from '../storage/event-words.ts'
import type { Events } from '../storage/events.ts'
import type { Memberships } from '../storage/memberships.ts'
import type { Rooms } from '../storage/rooms.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomHeads } from './heads.ts'
import type { EventChoice } from './history.ts'
import type { SearchIndex } from './search-index.ts'
import type { RoomStates } from './state.ts'
import type { Viewer, Visibility } from './visibility.ts'

const TOKEN = /^([nk])([0-9]{1,15})-([0-9]{1,5})$/
/** How many matches one request looks through for those that are visible and wanted. */
const MAX_SCANNED = 1_000
const SLICE = 100
const MAX_ROOMS = 2_000
const COLUMNS = { 'content.body': 'body', 'content.name': 'name', 'content.topic': 'topic' } as const

export type SearchKey = keyof typeof COLUMNS

export interface EventSearchParts {
  rooms: Rooms
  events: Events
  memberships: Memberships
  heads: RoomHeads
  states: RoomStates
  visibility: Visibility
  eventWords: EventWords
  searchIndex: SearchIndex
}

export interface SearchRequest {
  readonly term: string
  readonly keys: readonly SearchKey[]
  readonly isRecentFirst: boolean
  readonly limit: number
  readonly from: string | undefined
  readonly choice: EventChoice & { allowsRoom(roomId: RoomId): boolean }
}

export interface SearchResult {
  readonly event: StoredEvent
  /** The better the event fits, the larger: clients expect it so. */
  readonly rank: number
}

export interface SearchPage {
  readonly results: readonly SearchResult[]
  /** How many matches there are for the viewer; where there are many, how many of the first thousand. */
  readonly count: number
  /** What was looked for, for clients to highlight. */
  readonly words: readonly string[]
  readonly next: string | undefined
}

/** A match, and where a page begins that goes on after it. */
type Place = WordMatch & { readonly position: number }

export class EventSearch {
  readonly #parts: EventSearchParts

  constructor(parts: EventSearchParts) {
    this.#parts = parts
  }

  /** Finds what was said in rooms that the viewer is or was in. Throws M_INVALID_PARAM for a token that is none of ours, and for too many words. */
  async search(viewer: Viewer, request: SearchRequest): Promise<SearchPage> {
    const words = wantedWords(request.term)
    const roomNids = await this.#rooms(viewer, request)
    const columns = [...new Set(request.keys)].map((key) => COLUMNS[key])
    if (words.length === 0 || roomNids.length === 0 || columns.length === 0)
      return { results: [], count: 0, words, next: undefined }
    await this.#parts.searchIndex.catchUp()
    const query = `{${columns.join(' ')}} : (${matchAll(words, false)})`
    return { ...(await this.#page(viewer, request, query, roomNids)), words }
  }

  async #page(
    viewer: Viewer,
    { isRecentFirst, limit, from, choice }: SearchRequest,
    query: string,
    roomNids: readonly number[],
  ): Promise<Omit<SearchPage, 'words'>> {
    const start = startOf(from, isRecentFirst)
    const places = await this.#places(query, roomNids, start.position, isRecentFirst)
    const found: (SearchResult & Place)[] = []
    for await (const slice of slicesOf(places, SLICE)) {
      found.push(...(await this.#wanted(viewer, slice, choice)))
      // The first page has counted them all.
      if (start.count !== undefined && found.length >= limit) break
    }
    const count = start.count ?? found.length
    const last = found[limit - 1] ?? (places.length === MAX_SCANNED ? places.at(-1) : undefined)
    return { results: found.slice(0, limit), count, next: last && tokenOf(last, count, isRecentFirst) }
  }

  /** Newest first, pages start before a nid; best first, after so many. */
  async #places(query: string, roomNids: readonly number[], start: number, isRecentFirst: boolean): Promise<Place[]> {
    const { eventWords } = this.#parts
    if (!isRecentFirst) {
      const ranked = await eventWords.ranked(query, roomNids, start, MAX_SCANNED)
      return ranked.map((match, index) => ({ ...match, position: start + index + 1 }))
    }
    const recent = await eventWords.recent(query, roomNids, start, MAX_SCANNED)
    return recent.map((match) => ({ ...match, position: match.nid }))
  }

  async #wanted(viewer: Viewer, places: readonly Place[], choice: EventChoice): Promise<(SearchResult & Place)[]> {
    const { events, visibility } = this.#parts
    const stored = await events.byNids(places.map(({ nid }) => nid))
    const encrypted = await this.#encrypted([...stored.values()])
    const candidates = [...stored.values()].filter(
      (event) => !event.redacted && !encrypted.has(event.room.nid) && choice.passes(event),
    )
    const shown = new Map((await visibility.shown(candidates, viewer)).map((event) => [event.nid, event]))
    return places.flatMap((place) => {
      const event = shown.get(place.nid)
      return event ? [{ ...place, event, rank: -place.rank }] : []
    })
  }

  /** The search will not include rooms that are end to end encrypted. */
  async #encrypted(events: readonly StoredEvent[]): Promise<Set<number>> {
    const { heads, states } = this.#parts
    const encrypted = new Set<number>()
    for (const [nid, room] of new Map(events.map((event) => [event.room.nid, event.room])))
      if (await states.get((await heads.get(room)).stateRoot, 'm.room.encryption')) encrypted.add(nid)
    return encrypted
  }

  async #rooms({ userNid }: Viewer, { choice }: SearchRequest): Promise<number[]> {
    const { memberships, rooms } = this.#parts
    const found: number[] = []
    for (const { roomNid, membership, forgotten } of (await memberships.ofUser(userNid)).values()) {
      if (membership === 'invite' || membership === 'knock' || forgotten || found.length === MAX_ROOMS) continue
      if (choice.allowsRoom((await rooms.get(roomNid)).roomId)) found.push(roomNid)
    }
    return found
  }
}

/** Where a page starts, and how many matches its token says that there are. */
function startOf(token: string | undefined, isRecentFirst: boolean): { position: number; count?: number } {
  if (token === undefined) return { position: isRecentFirst ? Number.MAX_SAFE_INTEGER : 0 }
  const [, kind, position, count] = TOKEN.exec(token) ?? []
  if (kind !== (isRecentFirst ? 'n' : 'k')) throw invalidParam('next_batch is no token of this search')
  return { position: Number(position), count: Number(count) }
}

const tokenOf = ({ position }: Place, count: number, isRecentFirst: boolean): string =>
  `${isRecentFirst ? 'n' : 'k'}${position}-${count}`
