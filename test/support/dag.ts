/**
 * Rooms written down as text, one event a line, for tests of authorisation and state resolution:
 *
 *     C: alice creates
 *     A: alice joins
 *     P: alice power alice=100 bob=50
 *     J: alice rule public
 *     B: bob joins
 *     X: bob bans carol [after B, J] [at 500] [auth C, P, B]
 *
 * A line is `name: user does something`, with in brackets what is to differ from the usual: `after` the line before
 * it, `at` a thousand milliseconds later, `auth` events as selected from the state before it. Users are of server
 * `a` unless written `carol@b`. Every event must be allowed in the state before it, or be marked `[rejected]` (then
 * it changes no state) or `[forced]`. Event ids are `$name`, in room versions 1 and 2 `$name:server`.
 */
import assert from 'node:assert/strict'
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { authStateKeys } from '../../src/protocol/auth-events.ts'
import { type AuthVerdict, authorise } from '../../src/protocol/event-auth/index.ts'
import type { Event, StateLookup } from '../../src/protocol/event.ts'
import { type RoomRules, roomRules } from '../../src/protocol/room-versions.ts'
import { parseStateMapKey, type StateMap, stateMapKey } from '../../src/protocol/state-map.ts'
import type { ResolutionSources } from '../../src/protocol/state-resolution/index.ts'
import { resolve } from './whole-states.ts'

export type Parts = Partial<Omit<Event, 'rules'>> & Pick<Event, 'type' | 'sender' | 'content'>

/** The full id of a user of a test: `carol` is `@carol:a`, `carol@b` is `@carol:b`. */
export function userId(name: string): UserId {
  const [localpart, server = 'a'] = name.split('@')
  return `@${localpart}:${server}` as UserId
}

export function rulesOf(version: string): RoomRules {
  const rules = roomRules(version)
  assert.ok(rules, `room version ${version}`)
  return rules
}

/** An event of these parts; what is left out is empty or plain. */
export function makeEvent(rules: RoomRules, parts: Parts): Event {
  const event = {
    eventId: '$event' as EventId,
    roomId: '!room:a' as RoomId,
    stateKey: undefined,
    originServerTs: 0,
    depth: 1,
    prevEvents: [],
    authEvents: [],
    redacts: undefined,
    ...parts,
  }
  const { type, sender, content, roomId } = event
  const ofNoRoom = rules.roomIdIsCreateHash && type === 'm.room.create'
  const pdu = {
    type,
    sender,
    content,
    ...(ofNoRoom ? {} : { room_id: roomId }),
    ...(event.stateKey === undefined ? {} : { state_key: event.stateKey }),
  }
  return { ...event, rules, pdu: parts.pdu ?? pdu }
}

interface Line {
  readonly name: string
  readonly sender: string
  readonly words: readonly string[]
  readonly options: ReadonlyMap<string, string>
}

export class Room {
  readonly rules: RoomRules
  readonly events = new Map<EventId, Event>()
  readonly #names = new Map<string, Event>()
  readonly #rejected = new Set<EventId>()
  readonly #statesAfter = new Map<EventId, StateMap>()
  #last: Event | undefined

  constructor(version: string, text: string) {
    this.rules = rulesOf(version)
    this.add(text)
  }

  /** Adds events to the room. */
  add(text: string): void {
    for (const line of parseLines(text)) this.#append(line)
  }

  /** What the rules say of an event that is not added, on top of the last one or where the line says. */
  try(text: string): AuthVerdict {
    const [line] = parseLines(`try: ${text}`)
    assert.ok(line, text)
    const { event, before } = this.#build(line)
    return authorise(event, this.lookup(before))
  }

  event(name: string): Event {
    const event = this.#names.get(name)
    assert.ok(event, `no event is called ${name}`)
    return event
  }

  id(name: string): EventId {
    return this.event(name).eventId
  }

  get sources(): ResolutionSources {
    return { fetch: (eventId) => this.events.get(eventId), isRejected: (eventId) => this.#rejected.has(eventId) }
  }

  /** The state after one event. */
  stateAfter(name: string): StateMap {
    return this.#statesAfter.get(this.id(name)) ?? new Map()
  }

  /** A state of these events alone, whatever the room's graph says. */
  stateOf(...names: string[]): StateMap {
    return new Map(
      names.map((name) => this.event(name)).map((event) => [stateMapKey(event.type, event.stateKey ?? ''), event.eventId]),
    )
  }

  resolve(states: readonly StateMap[]): Map<string, EventId> {
    return resolve(this.rules, states, this.sources)
  }

  /** The name of the event that a state holds for a type and state key. */
  nameIn(state: StateMap, type: string, stateKey = ''): string | undefined {
    const eventId = state.get(stateMapKey(type, stateKey))
    return [...this.#names].find(([, event]) => event.eventId === eventId)?.[0]
  }

  /** A whole state as `{ 'm.room.member @bob:a': 'B' }`. */
  named(state: StateMap): Record<string, string | undefined> {
    const keys = [...state.keys()].sort().map(parseStateMapKey)
    return Object.fromEntries(
      keys.map(({ type, stateKey }) => [`${type} ${stateKey}`.trimEnd(), this.nameIn(state, type, stateKey)]),
    )
  }

  lookup(state: StateMap): StateLookup {
    return (type, stateKey) => {
      const eventId = state.get(stateMapKey(type, stateKey))
      return eventId && this.events.get(eventId)
    }
  }

  #append(line: Line): void {
    const { event, before } = this.#build(line)
    this.events.set(event.eventId, event)
    this.#names.set(line.name, event)
    this.#last = event
    const rejected = line.options.has('rejected')
    if (rejected) this.#rejected.add(event.eventId)
    const verdict = line.options.has('forced') ? undefined : authorise(event, this.lookup(before))
    if (verdict) assert.equal(verdict.allowed, !rejected, `${line.name}: ${JSON.stringify(verdict)}`)
    const after = new Map(before)
    if (event.stateKey !== undefined && !rejected) after.set(stateMapKey(event.type, event.stateKey), event.eventId)
    this.#statesAfter.set(event.eventId, after)
  }

  #build(line: Line): { event: Event; before: StateMap } {
    const previous = this.#named(line.options.get('after')) ?? (this.#last ? [this.#last] : [])
    const before = this.resolve(previous.map(({ eventId }) => this.#statesAfter.get(eventId) ?? new Map()))
    const sender = userId(line.sender)
    const parts = partsOf(line, sender, this.rules)
    const eventId = `$${line.name}${this.rules.eventIdFormat === 'chosen' ? sender.slice(sender.indexOf(':')) : ''}` as EventId
    const selected = authStateKeys({ stateKey: undefined, ...parts }, this.rules).flatMap(
      ({ type, stateKey }) => before.get(stateMapKey(type, stateKey)) ?? [],
    )
    const event = makeEvent(this.rules, {
      eventId,
      roomId: this.#roomId(eventId),
      prevEvents: previous.map((earlier) => earlier.eventId),
      authEvents: this.#named(line.options.get('auth'))?.map((cited) => cited.eventId) ?? selected,
      depth: 1 + Math.max(0, ...previous.map(({ depth }) => depth)),
      originServerTs: Number(line.options.get('at') ?? (this.#last?.originServerTs ?? 0) + 1000),
      ...parts,
    })
    return { event, before }
  }

  #named(names: string | undefined): Event[] | undefined {
    return names?.split(',').flatMap((name) => (name.trim() === '' ? [] : [this.event(name.trim())]))
  }

  #roomId(eventId: EventId): RoomId {
    if (!this.rules.roomIdIsCreateHash) return '!room:a' as RoomId
    const [create] = this.events.keys()
    return `!${(create ?? eventId).slice(1)}` as RoomId
  }
}

function parseLines(text: string): Line[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('//'))
    .map(parseLine)
}

function parseLine(line: string): Line {
  const options = new Map<string, string>()
  const plain = line.replaceAll(/\[(after|at|auth|rejected|forced)([^\]]*)\]/g, (_, name: string, value: string) => {
    options.set(name, value.trim())
    return ''
  })
  const [, name, sender, rest] = /^(\S+): (\S+) (.*)$/.exec(plain.trim()) ?? []
  assert.ok(name !== undefined && sender !== undefined && rest !== undefined, line)
  return { name, sender, words: rest.trim().split(' '), options }
}

/** Type, state key, sender and content of what a line says. */
function partsOf({ words: [verb = '', ...args] }: Line, sender: UserId, rules: RoomRules): Parts {
  const [first = ''] = args
  const text = args.join(' ')
  const state = (type: string, content: JsonObject, stateKey = ''): Parts => ({ type, stateKey, sender, content })
  const member = (user: UserId, membership: string, json: string[]): Parts => {
    return state('m.room.member', { membership, ...jsonIn(json) }, user)
  }
  const other = (membership: string) => member(userId(first), membership, args.slice(1))
  switch (verb) {
    case 'creates':
      return state('m.room.create', {
        room_version: rules.version,
        ...(rules.auth.creatorInContent ? { creator: sender } : {}),
        ...jsonIn(args),
      })
    case 'joins':
    case 'leaves':
    case 'knocks':
      return member(sender, verb.slice(0, -1), args)
    case 'invites':
    case 'bans':
      return other(verb.slice(0, -1))
    case 'kicks':
    case 'unbans':
      return other('leave')
    case 'joins-for':
      return other('join')
    case 'knocks-for':
      return other('knock')
    case 'power':
      return state('m.room.power_levels', text.startsWith('{') ? jsonIn(args) : { users: levelsIn(args) })
    case 'rule':
      return state('m.room.join_rules', { join_rule: first, ...jsonIn(args.slice(1)) })
    case 'topic':
    case 'name':
      return state(`m.room.${verb}`, { [verb]: text })
    case 'says':
      return { type: 'm.room.message', sender, content: { msgtype: 'm.text', body: text } }
    case 'sends':
      return { type: first, sender, content: jsonIn(args.slice(1)) }
    case 'sets':
      return state(first, jsonIn(args.slice(2)), args[1] === '-' ? '' : (args[1] ?? ''))
    default:
      return assert.fail(`nobody ${verb}`)
  }
}

function jsonIn(words: readonly string[]): JsonObject {
  return words.length === 0 ? {} : JSON.parse(words.join(' '))
}

function levelsIn(words: readonly string[]): JsonObject {
  return Object.fromEntries(words.map((word) => word.split('=')).map(([name = '', level]) => [userId(name), Number(level)]))
}
