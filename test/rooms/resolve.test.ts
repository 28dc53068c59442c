import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import type { EventId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { authStateKeys } from '../../src/protocol/auth-events.ts'
import { authorise } from '../../src/protocol/event-auth/index.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event, StateKey } from '../../src/protocol/event.ts'
import { type StateMap, stateMapKey } from '../../src/protocol/state-map.ts'
import type { Room } from '../../src/storage/rooms.ts'
import { Replica } from '../support/replica.ts'
import { resolve } from '../support/whole-states.ts'

const alice = '@alice:ours' as UserId
const USERS = [alice, ...['bob', 'carol', 'dora'].map((name) => `@${name}:other` as UserId)]
const HISTORIES = 40

const replica = new Replica('ours')
after(() => replica[Symbol.asyncDispose]())

/** Something that somebody may try, on top of some of the last events, maybe with the auth events of an old one. */
const anyStep = fc.record({
  sender: fc.constantFrom(...USERS),
  target: fc.constantFrom(...USERS),
  act: fc.constantFrom('join', 'join', 'leave', 'ban', 'invite', 'power', 'power', 'rule', 'topic'),
  choice: fc.nat({ max: 3 }),
  after: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }),
  citesAsOf: fc.option(fc.nat(), { freq: 2 }),
  at: fc.nat({ max: 9 }),
})
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never

interface Made {
  readonly event: Event
  readonly after: StateMap
}

/** A room that grows in memory, its states resolved over whole states and chains. */
class History {
  readonly made: Made[] = []
  readonly #events = new Map<EventId, Event>()
  readonly #room: Room

  constructor(room: Room, first: readonly Event[]) {
    this.#room = room
    for (const event of first) this.#append(event, this.made.at(-1)?.after ?? new Map())
  }

  /** What the states after some events resolve to. */
  resolve(states: readonly StateMap[]): StateMap {
    const fetch = (eventId: EventId) => this.#events.get(eventId)
    return resolve(this.#room.rules, states, { fetch, isRejected: () => false })
  }

  grow(step: Step): void {
    const previous = [...new Set(step.after.map((back) => this.made.at(-1 - (back % this.made.length))))].flatMap(
      (made) => made ?? [],
    )
    const before = this.resolve(previous.map((made) => made.after))
    const draft = draftOf(step)
    const cited = step.citesAsOf === null ? before : (this.made[step.citesAsOf % this.made.length]?.after ?? before)
    const authEvents = this.#at(cited, authStateKeys(draft, this.#room.rules))
    const event = buildEvent(
      {
        ...draft,
        roomId: this.#room.roomId,
        depth: 1,
        originServerTs: 1_700_000_000_000 + step.at,
        prevEvents: previous.map((made) => made.event.eventId),
        authEvents: authEvents.map(({ eventId }) => eventId),
        chosen: this.#room.rules.eventIdFormat === 'chosen' ? this.#chosenId() : undefined,
      },
      this.#room.rules,
    )
    const isAllowed = [cited, before].every(
      (state) => authorise(event, (type, stateKey) => this.#at(state, [{ type, stateKey }])[0]).allowed,
    )
    if (isAllowed && !this.#events.has(event.eventId)) this.#append(event, before)
  }

  #append(event: Event, before: StateMap): void {
    this.#events.set(event.eventId, event)
    this.made.push({ event, after: new Map([...before, [stateMapKey(event.type, event.stateKey ?? ''), event.eventId]]) })
  }

  #chosenId() {
    return { eventId: `$${this.made.length}${this.#room.roomId.slice(1)}` as EventId, referenceHashOf: () => new Uint8Array(32) }
  }

  #at(state: StateMap, keys: readonly StateKey[]): Event[] {
    return keys.flatMap(({ type, stateKey }) => this.#events.get(state.get(stateMapKey(type, stateKey)) ?? ('' as EventId)) ?? [])
  }
}

function draftOf({ sender, target, act, choice }: Step): { type: string; stateKey: string; sender: UserId; content: JsonObject } {
  const state = (type: string, content: JsonObject, stateKey = '') => ({ type, stateKey, sender, content })
  switch (act) {
    case 'power':
      return state('m.room.power_levels', {
        events: { 'm.room.power_levels': 50 },
        users: { [target]: choice * 25 },
        users_default: 50,
        state_default: 25,
      })
    case 'rule':
      return state('m.room.join_rules', { join_rule: choice < 2 ? 'public' : 'invite' })
    case 'topic':
      return state('m.room.topic', { topic: String(choice) })
    default:
      return state(
        'm.room.member',
        { membership: act, displayname: String(choice) },
        act === 'join' || act === 'leave' ? sender : target,
      )
  }
}

/** The events with which a room begins. */
async function firstEvents(room: Room): Promise<Event[]> {
  const { storage, core } = replica
  const state = await core.states.all((await core.heads.get(room)).stateRoot)
  const nids = state.map(({ nid }) => nid).sort((a, b) => a - b)
  return [...(await storage.events.pdus(nids)).values()]
}

/** Keeps all events of a history, and gives the roots of the states after them. */
async function keep(room: Room, history: History): Promise<number[]> {
  const { storage, core } = replica
  await core.outliers.admit(
    room,
    history.made.map(({ event }) => event),
  )
  const roots: number[] = []
  for (const made of history.made) {
    const stored = await storage.events.byIds(made.after.values())
    assert.equal(stored.size, made.after.size, 'all events are kept')
    const change = await storage.maps.change(0, new Map([...stored.values()].map(({ kindNid, nid }) => [kindNid, nid])))
    await storage.db.write((batch) => storage.maps.write(batch, change), room.nid)
    roots.push(change.root)
  }
  return roots
}

const openRoom = (version: string) =>
  replica.create(version, alice, [{ type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } }])

test('events that cite power levels of long ago are ordered by the mainline', async () => {
  const room = await openRoom('11')
  const history = new History(room, await firstEvents(room))
  const step = { sender: alice, target: '@carol:other' as UserId, citesAsOf: null, at: 0 }
  for (const choice of [0, 1, 0, 1, 0, 1]) history.grow({ ...step, act: 'power', choice, after: [0] })
  const first = history.made.findIndex(({ event }) => event.type === 'm.room.power_levels')
  history.grow({ ...step, act: 'topic', choice: 1, after: [0], citesAsOf: first, at: 9 })
  history.grow({ ...step, act: 'topic', choice: 2, after: [1], citesAsOf: first + 2, at: 1 })
  const [early = 0, late = 0] = (await keep(room, history)).slice(-2)
  const root = await replica.core.resolver.resolve(room, [early, late])
  assert.deepEqual(await replica.core.states.content(root, 'm.room.topic'), { topic: '2' })
})

for (const version of ['1', '2', '6', '11', '12']) {
  test(`states resolve as whole states over whole auth chains do, in any history (version ${version})`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 10, maxLength: 50 }),
        fc.array(fc.array(fc.nat(), { minLength: 2, maxLength: 4 }), { minLength: 20, maxLength: 20 }),
        async (steps, choices) => {
          const room = await openRoom(version)
          const first = await firstEvents(room)
          const history = new History(room, first)
          for (const step of steps) history.grow(step)
          const roots = await keep(room, history)
          for (const choice of choices) {
            const picks = [...new Set(choice.map((value) => value % roots.length))]
            const root = await replica.core.resolver.resolve(
              room,
              picks.map((pick) => roots[pick] ?? 0),
            )
            const expected = history.resolve(picks.map((pick) => history.made[pick]?.after ?? new Map()))
            assert.deepEqual(await replica.stateAt(root), new Map([...expected].sort()))
          }
        },
      ),
      { numRuns: HISTORIES },
    ))
}
