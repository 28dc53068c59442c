/** The filters of single events inside a sync filter. https://spec.matrix.org/v1.19/client-server-api/#filtering */
import type { JsonObject } from '../../schemas/json.ts'
import { compileWildcards } from '../protocol/glob.ts'
import { flagAt, limitAt, stringsAt } from './filter-values.ts'

/** What a filter looks at in an event. */
export interface Filtered {
  readonly type: string
  readonly sender?: string
  readonly content?: JsonObject
}

/** Lets events pass by type, sender and content, and rooms by id. */
export class EventFilter {
  /** The largest number of events; undefined where the filter does not say. */
  readonly limit: number | undefined
  readonly lazyLoadMembers: boolean
  readonly includeRedundantMembers: boolean
  readonly unreadThreadNotifications: boolean
  /** Every event passes. */
  readonly isOpen: boolean
  /** No event can pass. */
  readonly isClosed: boolean
  readonly #types: ((type: string) => boolean) | undefined
  readonly #notTypes: ((type: string) => boolean) | undefined
  readonly #senders: ReadonlySet<string> | undefined
  readonly #notSenders: ReadonlySet<string> | undefined
  readonly #containsUrl: boolean | undefined
  readonly #rooms: RoomChoice

  /** @throws {MatrixError} M_BAD_JSON where a member has another type than the specification says */
  constructor(json: JsonObject) {
    const types = stringsAt(json, 'types')
    const senders = stringsAt(json, 'senders')
    this.limit = limitAt(json)
    this.lazyLoadMembers = flagAt(json, 'lazy_load_members') ?? false
    this.includeRedundantMembers = flagAt(json, 'include_redundant_members') ?? false
    this.unreadThreadNotifications =
      flagAt(json, 'unread_thread_notifications') ?? flagAt(json, 'org.matrix.msc3773.unread_thread_notifications') ?? false
    this.#types = types && typeMatcher(types)
    this.#notTypes = typeMatcher(stringsAt(json, 'not_types') ?? [])
    this.#senders = senders && new Set(senders)
    this.#notSenders = setOf(stringsAt(json, 'not_senders'))
    this.#containsUrl = flagAt(json, 'contains_url')
    this.#rooms = new RoomChoice(json)
    this.isClosed = types?.length === 0 || senders?.length === 0
    this.isOpen = !types && !senders && !this.#notTypes && !this.#notSenders && this.#containsUrl === undefined
  }

  /** Whether events of a type may pass. */
  allowsType(type: string): boolean {
    return !this.isClosed && this.#types?.(type) !== false && this.#notTypes?.(type) !== true
  }

  allowsRoom(roomId: string): boolean {
    return this.#rooms.includes(roomId)
  }

  passes({ type, sender, content }: Filtered): boolean {
    if (this.isOpen) return true
    if (!this.allowsType(type)) return false
    if (sender !== undefined && (this.#senders?.has(sender) === false || this.#notSenders?.has(sender))) return false
    return this.#containsUrl === undefined || this.#containsUrl === (typeof content?.['url'] === 'string')
  }
}

/** `rooms` and `not_rooms`. A matching room will be excluded even if it is listed in `rooms`. */
export class RoomChoice {
  readonly #rooms: ReadonlySet<string> | undefined
  readonly #notRooms: ReadonlySet<string> | undefined

  constructor(json: JsonObject) {
    const rooms = stringsAt(json, 'rooms')
    this.#rooms = rooms && new Set(rooms)
    this.#notRooms = setOf(stringsAt(json, 'not_rooms'))
  }

  includes(roomId: string): boolean {
    return this.#rooms?.has(roomId) !== false && this.#notRooms?.has(roomId) !== true
  }
}

function setOf(list: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return list && list.length > 0 ? new Set(list) : undefined
}

/** A `*` can be used as a wildcard to match any sequence of characters. Undefined for no patterns: nothing would match. */
function typeMatcher(patterns: readonly string[]): ((type: string) => boolean) | undefined {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(compileWildcards)
  if (patterns.length === 0) return undefined
  return (type) => exact.has(type) || globs.some((matches) => matches(type))
}
