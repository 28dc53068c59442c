/** https://spec.matrix.org/v1.19/client-server-api/#server-side-search */
import type { RoomId } from '../../schemas/ids.ts'
import { invalidParam } from '../core/errors.ts'
import { matchAll, wordsOf } from '../core/words.ts'
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

const TOKEN = /^([nk])([0-9]{1,15})$/
/** How many matches one request looks through for those that are visible and wanted. */
const MAX_SCANNED = 1_000
const CHUNK = 100
const MAX_COUNT = 10_000
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

export interface SearchPage {
  readonly results: readonly { readonly event: StoredEvent; readonly rank: number }[]
  /** How many matches there are in all, about. */
  readonly count: number
  /** What was looked for, for clients to highlight. */
  readonly words: readonly string[]
  readonly next: string | undefined
}

export class EventSearch {
  readonly #parts: EventSearchParts

  constructor(parts: EventSearchParts) {
    this.#parts = parts
  }

  /** Finds what was said in rooms that the viewer is or was in. Throws M_INVALID_PARAM for a token that is none of ours. */
  async search(viewer: Viewer, request: SearchRequest): Promise<SearchPage> {
    const words = wordsOf(request.term)
    const roomNids = await this.#rooms(viewer, request)
    if (words.length === 0 || roomNids.length === 0) return { results: [], count: 0, words, next: undefined }
    await this.#parts.searchIndex.catchUp()
    const columns = request.keys.map((key) => COLUMNS[key]).join(' ')
    const query = `{${columns}} : (${matchAll(words, false)})`
    const count = await this.#parts.eventWords.count(query, roomNids, MAX_COUNT)
    return { ...(await this.#page(viewer, request, query, roomNids)), count, words }
  }

  async #page(
    viewer: Viewer,
    request: SearchRequest,
    query: string,
    roomNids: readonly number[],
  ): Promise<Pick<SearchPage, 'results' | 'next'>> {
    const { isRecentFirst, limit, from } = request
    let position = positionOf(from, isRecentFirst)
    const results: { event: StoredEvent; rank: number }[] = []
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += CHUNK) {
      const { eventWords } = this.#parts
      const matches = isRecentFirst
        ? await eventWords.recent(query, roomNids, position, CHUNK)
        : await eventWords.ranked(query, roomNids, position, CHUNK)
      const seen = await this.#wanted(viewer, matches, request.choice)
      for (const { nid, rank } of matches) {
        position = isRecentFirst ? nid : position + 1
        const event = seen.get(nid)
        // The better, the larger: clients expect it so.
        if (event && results.push({ event, rank: -rank }) === limit) return { results, next: tokenOf(position, isRecentFirst) }
      }
      if (matches.length < CHUNK) return { results, next: undefined }
    }
    return { results, next: tokenOf(position, isRecentFirst) }
  }

  async #wanted(viewer: Viewer, matches: readonly WordMatch[], choice: EventChoice): Promise<Map<number, StoredEvent>> {
    const { events, visibility } = this.#parts
    const stored = await events.byNids(matches.map(({ nid }) => nid))
    const encrypted = await this.#encrypted([...stored.values()])
    const candidates = [...stored.values()].filter(
      (event) => !event.redacted && !encrypted.has(event.room.nid) && choice.passes(event),
    )
    return new Map((await visibility.visible(candidates, viewer)).map((event) => [event.nid, event]))
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

/** Newest first, pages start before a nid; best first, after so many. */
function positionOf(token: string | undefined, isRecentFirst: boolean): number {
  if (token === undefined) return isRecentFirst ? Number.MAX_SAFE_INTEGER : 0
  const [, kind, position] = TOKEN.exec(token) ?? []
  if (kind !== (isRecentFirst ? 'n' : 'k')) throw invalidParam('next_batch is no token of this search')
  return Number(position)
}

const tokenOf = (position: number, isRecentFirst: boolean): string => `${isRecentFirst ? 'n' : 'k'}${position}`
