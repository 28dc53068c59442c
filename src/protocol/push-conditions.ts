/**
 * The conditions of push rules, compiled to functions.
 * https://spec.matrix.org/v1.19/client-server-api/#conditions
 */
import { isJsonObject, type Json } from '../../schemas/json.ts'
import type { Event } from './event.ts'
import { compileGlob } from './glob.ts'
import type { PowerLevels } from './power-levels.ts'
import type { PushOutcome } from './push-rules.ts'
import { containsWords, wordPattern } from './word-pattern.ts'

const BODY = 'content.body'

/** A condition as clients write it; what it needs beside its kind is checked when it is compiled. */
export interface PushCondition {
  [key: string]: Json
  kind: string
}

/** What a content rule asks for. */
export function inBody(pattern: string | undefined): PushCondition {
  return { kind: 'event_match', key: BODY, ...(pattern !== undefined && { pattern }) }
}

/** MSC4306: the event is in a thread that the reader is, or is not, subscribed to. */
export const THREAD_SUBSCRIPTION = 'io.element.msc4306.thread_subscription'

/** What conditions ask about the reader. */
export interface PushReader {
  /** In the room, where there is one. */
  readonly displayName?: string | undefined
  /** To the thread that the event is in; undefined where it is in none. */
  readonly isSubscribed?: boolean | undefined
}

/** Decides for one event and one reader. */
export type Condition = (subject: PushSubject, reader: PushReader) => boolean

const NOTHING = Symbol('nothing')
/** So many properties are remembered of an event: rules of hostile users ask for any number of them. */
const MAX_REMEMBERED = 100

const mentionsKey = parsePropertyPath('content.m\\.mentions.user_ids')

/** One event and what push rules ask about its room, looked at once for all readers. */
export class PushSubject {
  readonly event: Event
  /** The event's type with its case folded away: half of all conditions are about it. */
  readonly foldedType: string
  /** The number of members joined to the room. */
  readonly memberCount: number
  /** What becomes of it for all who have the default rules, if it is not personal; found out with the first of them. */
  commonOutcome: PushOutcome | undefined
  readonly #levels: PowerLevels
  /** The default rules treat its readers differently: those who are mentioned, and who is invited. */
  readonly isPersonal: boolean
  /** What has been asked for; NOTHING, and null for text, stand for what is not there, so that one look-up tells. */
  readonly #values = new Map<string, Json | typeof NOTHING>()
  readonly #folded = new Map<string, string | null>()

  constructor(event: Event, memberCount: number, levels: PowerLevels) {
    this.event = event
    this.foldedType = fold(event.type)
    this.memberCount = memberCount
    this.#levels = levels
    const mentioned = this.value(mentionsKey)
    this.isPersonal = this.foldedType === 'm.room.member' || (Array.isArray(mentioned) && mentioned.length > 0)
  }

  /** The value of a property. */
  value({ name, path }: PropertyPath): Json | undefined {
    let value = this.#values.get(name)
    if (value === undefined) {
      const found = valueAt(this.event, path)
      value = found === undefined ? NOTHING : found
      if (this.#values.size < MAX_REMEMBERED) this.#values.set(name, value)
    }
    return value === NOTHING ? undefined : value
  }

  /** The text of a property with its case folded away; undefined for what is no string. */
  text(key: PropertyPath): string | undefined {
    let text = this.#folded.get(key.name)
    if (text === undefined) {
      const value = this.value(key)
      text = typeof value === 'string' ? fold(value) : null
      if (this.#folded.size < MAX_REMEMBERED) this.#folded.set(key.name, text)
    }
    return text ?? undefined
  }

  /** Whether the sender's power level is enough to notify the room, or whatever else the key names. */
  senderMayNotify(key: string): boolean {
    return this.#levels.of(this.event.sender) >= this.#levels.toNotify(key)
  }
}

interface PropertyPath {
  readonly name: string
  readonly path: readonly string[]
}

const fold = (text: string): string => text.toLowerCase()
/** Most patterns are plain text. */
const isPlain = (pattern: string): boolean => !/[*?]/.test(pattern)

/** A dot-separated path, in which `\.` and `\\` stand for a dot and a backslash of a property's name. */
export function parsePropertyPath(name: string): PropertyPath {
  const path = ['']
  for (const [part] of name.matchAll(/\\[\\.]|[^\\.]+|\\|\./g)) {
    if (part === '.') path.push('')
    else path.push(`${path.pop()}${part === '\\.' || part === '\\\\' ? part.slice(1) : part}`)
  }
  return { name, path }
}

function valueAt(event: Event, [root = '', ...path]: readonly string[]): Json | undefined {
  let value = rootOf(event, root)
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** Ids are not in every PDU; the rest is as it was sent. */
function rootOf(event: Event, name: string): Json | undefined {
  if (name === 'event_id') return event.eventId
  if (name === 'room_id') return event.roomId
  return Object.hasOwn(event.pdu, name) ? event.pdu[name] : undefined
}

/**
 * How often, at most, a condition goes through all of a text or list of an event: that can be long, and it is done for every
 * event. A pattern with `?` may do so for each of its characters.
 */
export function searchesOfCondition({ kind, key, pattern }: PushCondition): number {
  if (kind === 'contains_display_name' || kind === 'event_property_contains') return 1
  if (kind !== 'event_match' || typeof pattern !== 'string') return 0
  if (pattern.includes('?')) return pattern.length
  return key === BODY || pattern.includes('*') ? 1 : 0
}

/** The one type of event, with its case folded away, for which a condition can hold; undefined where it may be any. */
export function typeAskedBy({ kind, key, pattern, value }: PushCondition): string | undefined {
  if (key !== 'type') return undefined
  if (kind === 'event_match' && typeof pattern === 'string' && isPlain(pattern)) return fold(pattern)
  return kind === 'event_property_is' && typeof value === 'string' ? fold(value) : undefined
}

/** Compiles a condition; undefined for one that is unknown or malformed, which must not match any events. */
export function compileCondition(condition: PushCondition): Condition | undefined {
  switch (condition.kind) {
    case 'event_match':
      return eventMatch(condition['key'], condition['pattern'])
    case 'event_property_is':
      return propertyIs(condition)
    case 'event_property_contains':
      return propertyContains(condition)
    case 'contains_display_name':
      return containsDisplayName
    case 'room_member_count':
      return roomMemberCount(condition['is'])
    case 'sender_notification_permission':
      return senderMayNotify(condition['key'])
    case THREAD_SUBSCRIPTION:
      return threadSubscription(condition['subscribed'])
    default:
      return undefined
  }
}

/**
 * A glob that must match the entire value of a property or, as a special case, any part of `content.body` that
 * starts and ends at a word boundary; both without regard to case.
 */
function eventMatch(name: Json | undefined, pattern: Json | undefined): Condition | undefined {
  if (typeof name !== 'string' || typeof pattern !== 'string') return undefined
  const key = parsePropertyPath(name)
  const folded = fold(pattern)
  if (isPlain(folded) && name === 'type') return (subject) => subject.foldedType === folded
  if (isPlain(folded) && name !== BODY) return (subject) => subject.text(key) === folded
  const matches = name === BODY ? wordPattern(folded) : compileGlob(folded)
  return (subject) => {
    const text = subject.text(key)
    return text !== undefined && matches(text)
  }
}

function propertyIs({ key: name, value }: PushCondition): Condition | undefined {
  if (typeof name !== 'string' || !isScalar(value)) return undefined
  if (name === 'type') return (subject) => subject.event.type === value
  const key = parsePropertyPath(name)
  return (subject) => subject.value(key) === value
}

function propertyContains({ key: name, value }: PushCondition): Condition | undefined {
  if (typeof name !== 'string' || !isScalar(value)) return undefined
  const key = parsePropertyPath(name)
  return (subject) => {
    const list = subject.value(key)
    return Array.isArray(list) && list.includes(value)
  }
}

/** A non-compound value of canonical JSON: a string, integer, boolean or null. */
function isScalar(value: Json | undefined): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
}

const bodyKey = parsePropertyPath(BODY)
const containsDisplayName: Condition = (subject, { displayName }) => {
  const body = displayName === undefined ? undefined : subject.text(bodyKey)
  return body !== undefined && displayName !== undefined && containsWords(body, fold(displayName))
}

const comparisons: Readonly<Record<string, (count: number, limit: number) => boolean>> = {
  '==': (count, limit) => count === limit,
  '<': (count, limit) => count < limit,
  '>': (count, limit) => count > limit,
  '<=': (count, limit) => count <= limit,
  '>=': (count, limit) => count >= limit,
}

/** A decimal integer, prefixed by `==`, `<`, `>`, `>=` or `<=`; without a prefix it is `==`. */
function roomMemberCount(is: Json | undefined): Condition | undefined {
  const [, prefix, digits] = (typeof is === 'string' && /^(==|<=|>=|<|>)?([0-9]+)$/.exec(is)) || []
  const compare = comparisons[prefix ?? '==']
  if (digits === undefined || compare === undefined) return undefined
  const limit = Number(digits)
  return (subject) => compare(subject.memberCount, limit)
}

function senderMayNotify(key: Json | undefined): Condition | undefined {
  return typeof key === 'string' ? (subject) => subject.senderMayNotify(key) : undefined
}

function threadSubscription(wanted: Json | undefined): Condition | undefined {
  return typeof wanted === 'boolean' ? (_subject, { isSubscribed }) => isSubscribed === wanted : undefined
}
