/** Sync filters, compiled once. https://spec.matrix.org/v1.19/client-server-api/#filtering */
import { RecentCache } from '../core/recent-cache.ts'
import { parseJson } from '../core/json-text.ts'
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { badJson, invalidParam, notJson } from '../core/errors.ts'
import { EventFilter, RoomChoice } from './event-filter.ts'
import { flagAt, partAt, stringsAt } from './filter-values.ts'

const DEFAULT_TIMELINE_LIMIT = 10
const MAX_TIMELINE_LIMIT = 100

export interface SyncFilter {
  /** Of the text that it was compiled from. */
  readonly length: number
  /** The same for filters that say the same, and for no others. */
  readonly id: number
  /** `federation`: events as other servers get them. */
  readonly format: 'client' | 'federation'
  /** Paths of the members of events that are wanted; undefined for all. */
  readonly fields: readonly string[] | undefined
  readonly presence: EventFilter
  readonly accountData: EventFilter
  readonly rooms: RoomChoice
  readonly includeLeave: boolean
  readonly ephemeral: EventFilter
  readonly state: EventFilter
  readonly timeline: EventFilter
  readonly timelineLimit: number
  readonly roomAccountData: EventFilter
  /** Names of the fields of profiles that are wanted (MSC4429). */
  readonly profileFields: readonly string[]
}

/** So many filters, and so many characters of them, are kept. */
export const keptFilters = (max: number) => ({ max, maxWeight: 8_000_000, weightOf: ({ length }: SyncFilter) => length })

/** Compiles filters; those with the same text give the same object. */
export class FilterCompiler {
  readonly #compiled = new RecentCache<string, SyncFilter>(keptFilters(2_000))
  #last = 0

  /**
   * @param text the filter as JSON
   * @throws {MatrixError} M_NOT_JSON, M_BAD_JSON
   */
  compile(text: string): SyncFilter {
    const known = this.#compiled.get(text)
    if (known) return known
    const compiled = { ...compile(parse(text)), length: text.length, id: ++this.#last }
    this.#compiled.set(text, compiled)
    return compiled
  }
}

function parse(text: string): JsonObject {
  let json: unknown
  try {
    json = parseJson(text)
  } catch {
    throw notJson('The filter is not valid JSON')
  }
  if (!isJsonObject(json)) throw badJson('A filter is an object')
  return json
}

function compile(json: JsonObject): Omit<SyncFilter, 'length' | 'id'> {
  const room = partAt(json, 'room')
  const timeline = new EventFilter(partAt(room, 'timeline'))
  return {
    format: formatOf(json),
    fields: stringsAt(json, 'event_fields'),
    presence: new EventFilter(partAt(json, 'presence')),
    accountData: new EventFilter(partAt(json, 'account_data')),
    rooms: new RoomChoice(room),
    includeLeave: flagAt(room, 'include_leave') ?? false,
    ephemeral: new EventFilter(partAt(room, 'ephemeral')),
    state: new EventFilter(partAt(room, 'state')),
    timeline,
    timelineLimit: Math.min(timeline.limit ?? DEFAULT_TIMELINE_LIMIT, MAX_TIMELINE_LIMIT),
    roomAccountData: new EventFilter(partAt(room, 'account_data')),
    profileFields: stringsAt(partAt(json, 'org.matrix.msc4429.profile_fields'), 'ids') ?? [],
  }
}

function formatOf(json: JsonObject): 'client' | 'federation' {
  const format = json['event_format'] ?? 'client'
  if (format !== 'client' && format !== 'federation') throw invalidParam('event_format is client or federation')
  return format
}
