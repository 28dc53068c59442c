/** Three servers, a room, users who do what they can, and a network that falls apart and heals. */
import assert from 'node:assert/strict'
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { MatrixError } from '../../src/core/errors.ts'
import type { Event } from '../../src/protocol/event.ts'
import { knownRoomVersions } from '../../src/protocol/room-versions.ts'
import type { Draft } from '../../src/rooms/send.ts'
import { Standing, type StoredEvent } from '../../src/storage/stored-event.ts'
import { FakeClock } from '../support/clock.ts'
import { Random } from '../support/random.ts'
import { Replica } from '../support/replica.ts'
import { forge } from './forgery.ts'

const NAMES = ['a', 'b', 'c'] as const
const STEPS = 100
const LEVELS = [0, 25, 50, 75]
const user = (name: string, server: string) => `@${name}:${server}` as UserId
/** On each server one whom nobody can remove, one who is in the room at first, and one who is not. */
const rootOf = (server: string) => user('root', server)
const OTHERS = NAMES.flatMap((server) => [user('one', server), user('two', server)])

export interface Outcome {
  readonly version: string
  readonly events: number
  /** On each server, the one that hears of everything late included. */
  readonly accepted: number
  readonly softFailed: number
  readonly rejected: number
  /** Those that some servers show and others do not. */
  readonly disputed: number
}

/** Events of one server that another has not been given yet. */
interface Link {
  readonly from: Replica
  readonly to: Replica
  waiting: Event[]
}

export class Convergence implements AsyncDisposable {
  readonly #clock = new FakeClock()
  readonly #replicas: readonly Replica[]
  /** One who hears of everything afterwards, from nobody who could be asked for more. */
  readonly #late: Replica
  #links: Link[] = []
  #apart = new Set<string>()
  #random = new Random(0)
  #sent: Event[] = []
  /** Depth of the last event that all have had from the first. */
  #beginning = 0

  constructor() {
    const reachable = (from: string, to: string) =>
      this.#isApart(from, to) ? undefined : this.#replicas.find(({ name }) => name === to)
    this.#replicas = NAMES.map((name) => new Replica(name, reachable, this.#clock))
    this.#late = new Replica('late', () => undefined, this.#clock)
  }

  /** Lives through what a seed makes happen; throws where the servers do not agree in the end. */
  async run(seed: number): Promise<Outcome> {
    this.#random = new Random(seed)
    const version = knownRoomVersions[seed % knownRoomVersions.length] ?? '11'
    const roomId = await this.#begin(version)
    for (let step = 0; step < STEPS; step++) await this.#step(roomId)
    this.#apart.clear()
    await this.#deliverAll(roomId)
    await this.#sayGoodbye(roomId)
    await this.#hearLate(roomId)
    return { version, ...(await this.#compare(roomId)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of [...this.#replicas, this.#late]) await replica[Symbol.asyncDispose]()
  }

  #isApart(from: string, to: string): boolean {
    return this.#apart.has([from, to].sort().join())
  }

  async #begin(version: string): Promise<RoomId> {
    const [first] = this.#replicas
    assert.ok(first)
    const roots = Object.fromEntries(NAMES.map((name) => [rootOf(name), 100]))
    // Since room version 12 the creator's power has no number.
    if (version === '12') delete roots[rootOf('a')]
    const ones = Object.fromEntries(NAMES.map((name) => [user('one', name), 50]))
    const levels = { users: { ...roots, ...ones }, events: { 'm.room.topic': 25, 'm.room.power_levels': 50 } }
    const { roomId } = await first.create(version, rootOf('a'), [
      { type: 'm.room.power_levels', stateKey: '', content: levels },
      { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
    ])
    const members = [rootOf('b'), rootOf('c'), ...NAMES.map((name) => user('one', name))]
    for (const member of members) {
      this.#clock.later(1000)
      await first.send(roomId, { sender: member, type: 'm.room.member', stateKey: member, content: { membership: 'join' } })
    }
    for (const other of [...this.#replicas.slice(1), this.#late]) await other.enter(first, roomId)
    this.#links = this.#replicas.flatMap((from) =>
      this.#replicas.filter((to) => to !== from).map((to): Link => ({ from, to, waiting: [] })),
    )
    this.#sent = []
    const [end] = (await first.core.heads.get(await first.room(roomId))).extremities
    this.#beginning = end?.depth ?? 0
    return roomId
  }

  async #step(roomId: RoomId): Promise<void> {
    const random = this.#random
    if (random.chance(0.2)) this.#apart = new Set(['a,b', 'a,c', 'b,c'].filter(() => random.chance(0.6)))
    if (random.chance(0.35)) return this.#deliver(roomId, random.pick(this.#links))
    this.#clock.later(random.below(3) * 500)
    const replica = random.pick(this.#replicas)
    const draft = await this.#anyDraft(replica, roomId)
    if (random.chance(0.15)) await this.#forge(replica, roomId, draft)
    else await this.#act(replica, roomId, draft)
  }

  /** Sends what is allowed nowhere, or only somewhere, or everywhere but where it is tried. */
  async #forge(replica: Replica, roomId: RoomId, draft: Draft): Promise<void> {
    const event = await forge(this.#random, replica, roomId, draft, this.#sent)
    if (!event) return
    const [verdict] = await replica.receive(replica, roomId, [event])
    if (verdict?.kind !== 'missing' && verdict?.kind !== 'known') this.#tellOthers(replica, event)
  }

  /** Sends what is allowed where it is tried; all others will hear of it. */
  async #act(replica: Replica, roomId: RoomId, draft: Draft): Promise<void> {
    try {
      const event = await replica.send(roomId, draft)
      // State that is so already is not sent again.
      if (event.depth <= this.#beginning || this.#sent.some(({ eventId }) => eventId === event.eventId)) return
      this.#tellOthers(replica, event)
    } catch (cause) {
      if (!(cause instanceof MatrixError)) throw cause
    }
  }

  #tellOthers(replica: Replica, event: Event): void {
    this.#sent.push(event)
    for (const link of this.#links) if (link.from === replica) link.waiting.push(event)
  }

  async #anyDraft(replica: Replica, roomId: RoomId): Promise<Draft> {
    const random = this.#random
    const sender = user(random.pick(['root', 'one', 'two']), replica.name)
    const member = (target: UserId, membership: string): Draft => ({
      sender,
      type: 'm.room.member',
      stateKey: target,
      // Repeated joins must be new events.
      content: { membership, displayname: String(random.below(1000)) },
    })
    const state = (type: string, content: JsonObject): Draft => ({ sender, type, stateKey: '', content })
    const kinds: (() => Draft | Promise<Draft>)[] = [
      () => ({ sender, type: 'm.room.message', content: { body: String(random.below(1000)) } }),
      () => state('m.room.topic', { topic: String(random.below(1000)) }),
      () => member(sender.startsWith('@root') ? random.pick(OTHERS) : sender, 'join'),
      () => member(random.pick(OTHERS), 'leave'),
      () => member(random.pick(OTHERS), 'ban'),
      () => member(random.pick(OTHERS), 'invite'),
      () => state('m.room.join_rules', { join_rule: random.pick(['public', 'invite']) }),
      async () => state('m.room.power_levels', await this.#otherLevels(replica, roomId)),
    ]
    return random.pick(kinds)()
  }

  async #otherLevels(replica: Replica, roomId: RoomId): Promise<JsonObject> {
    const room = await replica.room(roomId)
    const { stateRoot } = await replica.core.heads.get(room)
    const levels = await replica.core.states.content(stateRoot, 'm.room.power_levels')
    const users = levels['users'] as JsonObject
    return { ...levels, users: { ...users, [this.#random.pick(OTHERS)]: this.#random.pick(LEVELS) } }
  }

  /** Hands over some of what waits, in any order. */
  async #deliver(roomId: RoomId, link: Link): Promise<void> {
    if (link.waiting.length === 0 || this.#isApart(link.from.name, link.to.name)) return
    const shuffled = this.#random.shuffled(link.waiting)
    const events = shuffled.slice(0, 1 + this.#random.below(shuffled.length))
    const verdicts = await link.to.receive(link.from, roomId, events)
    const missing = new Set(events.filter((_, index) => verdicts[index]?.kind === 'missing'))
    link.waiting = [...missing, ...link.waiting.filter((event) => !events.includes(event))]
  }

  async #deliverAll(roomId: RoomId): Promise<void> {
    for (let rounds = 0; this.#links.some(({ waiting }) => waiting.length > 0); rounds++) {
      assert.ok(rounds < 100, 'events stay missing although everybody can be asked')
      for (const link of this.#random.shuffled(this.#links)) await this.#deliver(roomId, link)
    }
  }

  /** Everybody builds on all that they know, one after another, until there is one end. */
  async #sayGoodbye(roomId: RoomId): Promise<void> {
    for (const replica of [...this.#replicas, ...this.#replicas]) {
      this.#clock.later(1000)
      await this.#act(replica, roomId, { sender: rootOf(replica.name), type: 'm.room.message', content: { body: 'bye' } })
      await this.#deliverAll(roomId)
    }
  }

  /** All events again, in any order in which what they build on comes first. */
  async #hearLate(roomId: RoomId): Promise<void> {
    const [first] = this.#replicas
    assert.ok(first)
    const left = new Map(this.#sent.map((event) => [event.eventId, event]))
    while (left.size > 0) {
      const ready = [...left.values()].filter((event) => ![...event.prevEvents, ...event.authEvents].some((id) => left.has(id)))
      const event = this.#random.pick(ready)
      left.delete(event.eventId)
      const [verdict] = await this.#late.receive(first, roomId, [event])
      assert.notEqual(verdict?.kind, 'missing', JSON.stringify(verdict))
    }
    // What all others found too late to show, and so did not build on, may be an end of the room here.
    const last = await this.#late.send(roomId, { sender: rootOf(first.name), type: 'm.room.message', content: { body: 'last' } })
    for (const replica of this.#replicas) assert.equal((await replica.receive(this.#late, roomId, [last]))[0]?.kind, 'accepted')
  }

  async #compare(roomId: RoomId): Promise<Omit<Outcome, 'version'>> {
    const [first, ...others] = [...this.#replicas, this.#late]
    assert.ok(first)
    const ids = this.#sent.map(({ eventId }) => eventId)
    const expected = await first.stored(ids)
    for (const other of others) {
      assert.deepEqual(await other.currentState(roomId), await first.currentState(roomId), `the state on ${other.name}`)
      const stored = await other.stored(ids)
      for (const eventId of ids) await this.#compareEvent(eventId, [first, expected], [other, stored])
    }
    return this.#count(ids)
  }

  async #count(ids: readonly EventId[]): Promise<Omit<Outcome, 'version'>> {
    const outcome = { events: ids.length, accepted: 0, softFailed: 0, rejected: 0, disputed: 0 }
    const everywhere = await Promise.all([...this.#replicas, this.#late].map((replica) => replica.stored(ids)))
    for (const eventId of ids) {
      const seen = everywhere.flatMap((stored) => stored.get(eventId) ?? [])
      outcome.accepted += seen.filter(({ standing }) => standing === Standing.accepted).length
      outcome.softFailed += seen.filter(({ standing }) => standing === Standing.softFailed).length
      outcome.rejected += seen.filter(({ isRejected }) => isRejected).length
      if (new Set(seen.map(({ standing }) => standing)).size > 1) outcome.disputed++
    }
    return outcome
  }

  async #compareEvent(eventId: EventId, ...[first, other]: [Seen, Seen]): Promise<void> {
    const [one, two] = [first[1].get(eventId), other[1].get(eventId)]
    assert.ok(one && two, `${eventId} is not everywhere`)
    assert.equal(decided(two), decided(one), `${eventId} on ${other[0].name}`)
    assert.notEqual(two.standing, Standing.outlier)
    assert.deepEqual(
      await other[0].stateAt(two.stateBefore),
      await first[0].stateAt(one.stateBefore),
      `the state before ${eventId} on ${other[0].name}`,
    )
  }
}

/** What must be the same everywhere; whether an event came too late to be shown may differ. */
function decided({ standing, isRejected }: StoredEvent): Standing | 'not rejected' {
  return isRejected ? standing : 'not rejected'
}

type Seen = [Replica, Awaited<ReturnType<Replica['stored']>>]
