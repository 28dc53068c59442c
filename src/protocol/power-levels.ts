/**
 * Who may do what: the levels of an `m.room.power_levels` event, with the defaults for what it does not say.
 * https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
import { type Json, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { CheckedEvent, StateLookup } from './event.ts'
import type { RoomRules } from './room-versions.ts'
import { numberOf } from './strict-json.ts'

/** The levels that stand by themselves in the content, with their defaults where there is a power levels event. */
const NAMED_LEVELS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  invite: 0,
  kick: 50,
  ban: 50,
  redact: 50,
} as const

export type NamedLevel = keyof typeof NAMED_LEVELS
export const namedLevels = Object.keys(NAMED_LEVELS) as readonly NamedLevel[]

/** The level of a creator without a power levels event, where creators are not above all levels (1 to 11). */
const CREATOR_LEVEL = 100
const NOTIFICATION_LEVEL = 50
/** Base 10 with any leading zeroes, a sign and white space around it. */
const INTEGER_TEXT = /^\s*[+-]?[0-9]+\s*$/

/** Reads one level as the room version allows it to be written; undefined where it is absent or not a level. */
export function readLevel(value: Json | undefined, rules: RoomRules): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  // Until v10, values that represent integers may be strings.
  if (typeof value === 'string')
    return rules.auth.integerPowerLevels || !INTEGER_TEXT.test(value) ? undefined : finite(Number(value))
  // Until v6, numbers may be fractions, cut off at the decimal point.
  return rules.strictCanonicalJson ? undefined : finite(Math.trunc(numberOf(value) ?? Number.NaN))
}

/** What a double cannot hold is no level. */
function finite(level: number): number | undefined {
  return Number.isFinite(level) ? level : undefined
}

/** The user ids that created the room: one, and from version 12 on the additional creators. */
export function creatorsOf(create: CheckedEvent): ReadonlySet<string> {
  const { auth } = create.rules
  if (auth.creatorInContent) {
    const creator = stringAt(create.content, 'creator')
    return new Set(creator === undefined ? [] : [creator])
  }
  const additional = auth.privilegedCreators ? create.content['additional_creators'] : undefined
  const named = Array.isArray(additional) ? additional.filter((entry) => typeof entry === 'string') : []
  return new Set([create.sender, ...named])
}

/** The levels that hold in a state of a room. Read-only, shared between all who ask for the same event. */
export class PowerLevels {
  readonly invite: number
  readonly kick: number
  readonly ban: number
  readonly redact: number
  readonly usersDefault: number
  readonly eventsDefault: number
  readonly stateDefault: number
  readonly #rules: RoomRules
  readonly #users: JsonObject | undefined
  readonly #events: JsonObject | undefined
  readonly #notifications: JsonObject | undefined
  readonly #creators: ReadonlySet<string>
  /** The level of a creator that goes before anything written, or undefined where it does not. */
  readonly #creatorLevel: number | undefined

  constructor(power: CheckedEvent | undefined, create: CheckedEvent | undefined, rules: RoomRules) {
    const content: JsonObject = power?.content ?? {}
    const named = (name: NamedLevel) => levelAt(content, name, rules) ?? NAMED_LEVELS[name]
    this.#rules = rules
    this.#users = objectAt(content, 'users')
    this.#events = objectAt(content, 'events')
    this.#notifications = objectAt(content, 'notifications')
    this.#creators = create === undefined ? new Set() : creatorsOf(create)
    this.#creatorLevel = creatorLevel(power, rules)
    this.invite = named('invite')
    this.kick = named('kick')
    this.ban = named('ban')
    this.redact = named('redact')
    this.usersDefault = named('users_default')
    this.eventsDefault = named('events_default')
    this.stateDefault = named('state_default')
  }

  /** The level of a user; `Infinity` for the creators of a room of version 12 and later. */
  of(user: string): number {
    if (this.#creatorLevel !== undefined && this.#creators.has(user)) return this.#creatorLevel
    return levelAt(this.#users, user, this.#rules) ?? this.usersDefault
  }

  /** The level that it takes to send an event of a type. */
  toSend(type: string, isState: boolean): number {
    return levelAt(this.#events, type, this.#rules) ?? (isState ? this.stateDefault : this.eventsDefault)
  }

  /** The level that it takes to notify with a key of `notifications`, such as `room`. */
  toNotify(key: string): number {
    return levelAt(this.#notifications, key, this.#rules) ?? NOTIFICATION_LEVEL
  }
}

function creatorLevel(power: CheckedEvent | undefined, rules: RoomRules): number | undefined {
  // Since v12: the power level of room creators is infinitely high.
  if (rules.auth.privilegedCreators) return Number.POSITIVE_INFINITY
  // If the room contains no power levels event, the room's creator has a power level of 100.
  return power === undefined ? CREATOR_LEVEL : undefined
}

function levelAt(object: JsonObject | undefined, key: string, rules: RoomRules): number | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? readLevel(object[key], rules) : undefined
}

/** An event belongs to one room, and a room has one create event, so that the first event alone is the key. */
const compiled = new WeakMap<CheckedEvent, PowerLevels>()

/** The levels that a power levels event sets in the room of a create event; either may be missing. */
export function powerLevelsFrom(
  power: CheckedEvent | undefined,
  create: CheckedEvent | undefined,
  rules: RoomRules,
): PowerLevels {
  // What lacks its create event is not kept: it would be wrong about the creators for all who have it.
  if (create === undefined) return new PowerLevels(power, create, rules)
  const key = power ?? create
  const known = compiled.get(key)
  if (known !== undefined) return known
  const levels = new PowerLevels(power, create, rules)
  compiled.set(key, levels)
  return levels
}

/** The levels that hold in a state. */
export function powerLevelsIn(state: StateLookup, rules: RoomRules): PowerLevels {
  return powerLevelsFrom(state('m.room.power_levels', ''), state('m.room.create', ''), rules)
}

/** The level of one user in a state. */
export function powerLevelOf(user: string, state: StateLookup, rules: RoomRules): number {
  return powerLevelsIn(state, rules).of(user)
}
