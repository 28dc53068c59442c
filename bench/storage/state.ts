/**
 * What keeping the state at every event costs: `node bench/storage/state.ts [STATE_EVENTS [MESSAGES [MEMBERS]]]`.
 * A twentieth of the events are forks, which the next event brings together again. Times are CPU time of the main thread.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { EventId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { CacheUse } from '../../src/core/cache-use.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import type { Room } from '../../src/storage/rooms.ts'
import { Random } from '../../test/support/random.ts'
import { Replica } from '../../test/support/replica.ts'
import { report } from '../marks.ts'
import { cpuOf } from '../measure.ts'

const [STATE_EVENTS = 10_000, MESSAGES = 100_000, MEMBERS = 10_000] = process.argv.slice(2).map(Number)
const FORKS = 0.05
const TRANSACTION = 50
const ROUNDS = 50
/** The way from the root to a leaf, in both states, and the leaves once more. */
const NODES_OF_A_CHANGE = 10

const alice = '@alice:ours' as UserId
const memberNo = (n: number) => `@member${n}:other` as UserId

/** The history of a room as other servers make it. */
class History {
  readonly #random = new Random(1)
  readonly #basis: Event
  readonly #members = new Map<UserId, Event>()
  readonly #shared: readonly EventId[]
  readonly #joinRules: EventId
  #ends: Event[]
  readonly #forks: number
  stateBytes = 0

  /** @param like a message of alice on the end of the room */
  constructor(like: Event, state: ReadonlyMap<string, EventId>, own: Event, forks: number) {
    this.#forks = forks
    this.#basis = like
    this.#ends = []
    const idOf = (type: string) => [...state].find(([key]) => key.includes(type))?.[1] ?? ('' as EventId)
    this.#shared = [idOf('m.room.create'), idOf('m.room.power_levels')]
    this.#joinRules = idOf('m.room.join_rules')
    this.#members.set(alice, own)
  }

  /** Every tenth state event is a topic; half of the others are joins, the rest new names of members. */
  state(n: number): Event {
    if (n % 10 === 0) return this.#add('m.room.topic', alice, { topic: `Topic ${n}` }, '')
    const isNew = n % 2 === 0
    const user = isNew ? memberNo(n) : memberNo(2 * this.#random.below(Math.max(1, n >> 1)))
    return this.join(user, isNew ? user : `Called ${n}`)
  }

  join(user: UserId, displayname: string): Event {
    const event = this.#add('m.room.member', user, { membership: 'join', displayname }, user)
    this.#members.set(user, event)
    return event
  }

  message(n: number): Event {
    const members = [...this.#members.keys()].slice(0, 50)
    return this.#add('m.room.message', this.#random.pick(members), { msgtype: 'm.text', body: `Message ${n}` })
  }

  #add(type: string, sender: UserId, content: JsonObject, stateKey?: string): Event {
    const { roomId, rules, prevEvents: first, depth } = this.#basis
    const [last, ...others] = this.#ends
    const own = this.#members.get(sender)?.eventId
    const isFork = last !== undefined && others.length === 0 && this.#random.chance(this.#forks)
    const prevEvents = isFork ? last.prevEvents : last ? this.#ends.map(({ eventId }) => eventId) : first
    const cited = [...this.#shared, ...(type === 'm.room.member' ? [this.#joinRules] : []), ...(own ? [own] : [])]
    const above = isFork ? last.depth : Math.max(depth, ...this.#ends.map((end) => end.depth + 1))
    const event = buildEvent(
      { type, sender, roomId, content, stateKey, originServerTs: 1_700_000_000_000, depth: above, prevEvents, authEvents: cited },
      rules,
    )
    this.#ends = isFork ? [last, event] : [event]
    if (stateKey !== undefined) this.stateBytes += Buffer.byteLength(JSON.stringify(event.pdu))
    return event
  }
}

async function roomOf(replica: Replica, forks: number): Promise<{ room: Room; history: History }> {
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.power_levels', stateKey: '', content: { users: { [alice]: 100 } } },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  const room = await replica.room(roomId)
  const like = await replica.core.sender.build(room, { sender: alice, type: 'm.room.message', content: {} })
  const state = await replica.currentState(roomId)
  const [own] = await replica.events([...state].flatMap(([key, eventId]) => (key.includes(alice) ? [eventId] : [])))
  if (!own) throw new Error('alice has not joined')
  return { room, history: new History(like, state, own, forks) }
}

async function receive(replica: Replica, room: Room, events: readonly Event[]): Promise<void> {
  for (let start = 0; start < events.length; start += TRANSACTION)
    for (const verdict of await replica.receiver.receive(replica.name, room, events.slice(start, start + TRANSACTION)))
      if (verdict.kind !== 'accepted') throw new Error(JSON.stringify(verdict))
}

async function size(file: string): Promise<void> {
  await using replica = new Replica('ours', undefined, undefined, { file })
  const { room, history } = await roomOf(replica, FORKS)
  const every = Math.round((STATE_EVENTS + MESSAGES) / STATE_EVENTS)
  const events = Array.from({ length: STATE_EVENTS + MESSAGES }, (_, n) =>
    n % every === 0 ? history.state(n / every) : history.message(n),
  )
  await receive(replica, room, events)
  const db = new Sqlite(file)
  const { bytes } = db.prepare("SELECT sum(payload) AS bytes FROM dbstat WHERE name LIKE 'state%'").get() as { bytes: number }
  const { pages } = db.prepare("SELECT sum(pgsize) AS pages FROM dbstat WHERE name LIKE 'state%'").get() as { pages: number }
  db.close()
  const what = `stored state of ${STATE_EVENTS} state events and ${MESSAGES} messages`
  process.stdout.write(`raw bytes of the state events: ${history.stateBytes}\n`)
  report(`${what}, payload / raw`, bytes / history.stateBytes, 'times', 2)
  report(`${what}, pages / raw`, pages / history.stateBytes, 'times', 2)
}

/** At events all over the past of a room, with none of its state in memory at first. */
async function reading(file: string): Promise<void> {
  const roots: number[] = []
  let roomId: Room['roomId']
  {
    await using replica = new Replica('ours', undefined, undefined, { file })
    const { room, history } = await roomOf(replica, 0)
    roomId = room.roomId
    await receive(
      replica,
      room,
      Array.from({ length: MEMBERS }, (_, n) => history.join(memberNo(n), `Member ${n}`)),
    )
    const entries = await replica.storage.timelines.forwards(room.nid, 0, replica.storage.db.position, MEMBERS + 10)
    for (const { nid } of entries) roots.push((await replica.storage.events.get(nid)).stateAfter)
  }
  await using replica = new Replica('ours', undefined, undefined, { file })
  await replica.room(roomId)
  const { storage, core } = replica
  const random = new Random(2)
  const one = await cpuOf(1_000, () => {
    const root = random.pick(roots.slice(-1_000))
    const keys = [
      { type: 'm.room.member', stateKey: memberNo(random.below(MEMBERS)) },
      { type: 'm.room.power_levels', stateKey: '' },
      { type: 'm.room.history_visibility', stateKey: '' },
    ]
    return core.states.many(root, keys)
  })
  report(`three keys of the state at a past event, as a check asks for them, ${MEMBERS} members`, one, 'ms', 1)
  for (const distance of [1, 10, 100, 1_000]) {
    const readBefore = nodesRead(storage.maps.cacheUse)
    const taken = await cpuOf(ROUNDS, async () => {
      const at = distance + random.below(roots.length - distance)
      const [before = 0, after = 0] = [roots[at - distance], roots[at]]
      const found = await storage.maps.difference(before, after)
      if (found.length > distance) throw new Error(`${found.length} differences between states ${distance} events apart`)
    })
    const nodes = (nodesRead(storage.maps.cacheUse) - readBefore) / ROUNDS
    report(`difference of states that differ by ${distance}, CPU`, taken, 'ms')
    report(`nodes looked at for it, for each that differs`, nodes / distance, 'nodes', NODES_OF_A_CHANGE)
  }
  const whole = await cpuOf(ROUNDS, () => storage.maps.entries(random.pick(roots.slice(-100))))
  report(`all of a state of ${MEMBERS} members, which no check asks for: no mark`, whole, 'ms')
}

/** Nodes that were looked at, in memory or on disk. */
function nodesRead({ hits, misses }: CacheUse): number {
  return hits + misses
}

const folder = mkdtempSync(join(tmpdir(), 'causeway-bench-'))
try {
  await reading(join(folder, 'reading.db'))
  await size(join(folder, 'size.db'))
} finally {
  rmSync(folder, { recursive: true })
}
