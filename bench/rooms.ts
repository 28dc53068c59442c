/**
 * What deciding about events costs, without clients and network: `node bench/rooms.ts [MEMBERS]`.
 * Times are medians in milliseconds on the main thread.
 */
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { mkdtempSync, rmSync } from 'node:fs'
import type { UserId } from '../schemas/ids.ts'
import { authStateKeys } from '../src/protocol/auth-events.ts'
import { authorise } from '../src/protocol/event-auth/index.ts'
import { buildEvent } from '../src/protocol/event-builder.ts'
import type { Event } from '../src/protocol/event.ts'
import { StateResolver } from '../src/rooms/resolve.ts'
import type { Room } from '../src/storage/rooms.ts'
import { Replica } from '../test/support/replica.ts'

const MEMBERS = Number(process.argv[2] ?? 50_000)
const CONFLICTS = 100
const ENDS = 200
const PART = 1_000
const ROUNDS = 5

const alice = '@alice:ours' as UserId
const member = (n: number) => `@member${n}:other` as UserId

async function main(): Promise<void> {
  await using replica = new Replica('ours')
  const room = await roomOf(replica, MEMBERS)
  report(`state at an event of ${MEMBERS} members, one key`, await medianOf(200, (n) => readOne(replica, room, n)), 1)
  await authCheck(replica, room)
  await receipt(replica, room)
  await conflicts(replica, room)
  await conflictingLevels(replica, room)
  await ends(replica)
}

function report(what: string, ms: number, mark?: number): void {
  const verdict = mark === undefined ? '' : `  <= ${mark} ${ms <= mark ? 'ok' : 'OVER'}`
  process.stdout.write(`${what.padEnd(70)} ${ms.toFixed(3).padStart(10)} ms${verdict}\n`)
}

async function medianOf(times: number, task: (n: number) => Promise<unknown>): Promise<number> {
  const taken: number[] = []
  for (let n = 0; n < times; n++) {
    const started = performance.now()
    await task(n)
    taken.push(performance.now() - started)
  }
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)] ?? Number.NaN
}

/** A public room whose members, all but the creator, are of another server and came one after another. */
async function roomOf(replica: Replica, members: number): Promise<Room> {
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.power_levels', stateKey: '', content: { users: { [alice]: 100 }, state_default: 0 } },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  const room = await replica.room(roomId)
  for (let start = 0; start < members; start += PART) {
    const writes: Promise<void>[] = []
    await replica.core.heads.locked(roomId, async () => {
      for (let n = start; n < Math.min(members, start + PART); n++) {
        const draft = { sender: member(n), type: 'm.room.member', stateKey: member(n), content: { membership: 'join' } }
        writes.push((await replica.core.sender.queue(room, draft)).written)
      }
    })
    await Promise.all(writes)
  }
  return room
}

async function readOne({ core }: Replica, room: Room, n: number): Promise<void> {
  const { stateRoot } = await core.heads.get(room)
  await core.states.get(stateRoot, 'm.room.member', member((n * 7919) % MEMBERS))
}

async function authCheck(replica: Replica, room: Room): Promise<void> {
  const event = await replica.core.sender.build(room, { sender: member(1), type: 'm.room.message', content: { body: 'hello' } })
  const { stateRoot } = await replica.core.heads.get(room)
  const keys = [{ type: 'm.room.create', stateKey: '' }, ...authStateKeys(event, event.rules)]
  const { find } = await replica.core.states.lookup(stateRoot, keys)
  const one = await medianOf(2_000, async () => authorise(event, find))
  report('authorisation of a message', one)
}

/** A chain of messages as another server sends them, in transactions of fifty. */
async function receipt(replica: Replica, room: Room): Promise<void> {
  const events: Event[] = []
  let last = await replica.core.sender.build(room, { sender: member(1), type: 'm.room.message', content: { n: -1 } })
  for (let n = 0; n < 2_000; n++) {
    const { type, sender, roomId, originServerTs, depth, authEvents, eventId } = last
    const prevEvents = n === 0 ? last.prevEvents : [eventId]
    const template = { type, sender, roomId, originServerTs, depth: depth + 1, authEvents, prevEvents, content: { n } }
    last = buildEvent(template, last.rules)
    events.push(last)
  }
  const started = process.cpuUsage()
  const taken = await medianOf(events.length / 50, (n) =>
    replica.receive(replica, room.roomId, events.slice(n * 50, n * 50 + 50)),
  )
  const { user } = process.cpuUsage(started)
  report('receipt of a message, without form and signatures, with the commit', taken / 50, 0.25)
  report('the same as CPU time of all threads', user / 1000 / events.length)
}

/** Two branches that disagree about the names of a hundred members. */
async function conflicts(replica: Replica, room: Room): Promise<void> {
  const { storage, core } = replica
  const head = await core.heads.get(room)
  const roots: number[] = []
  for (const branch of ['one', 'two']) {
    const changes = new Map<number, number>()
    for (let n = 0; n < CONFLICTS; n++) {
      const content = { membership: 'join', displayname: branch }
      const event = await core.sender.build(room, { sender: member(n), type: 'm.room.member', stateKey: member(n), content })
      await core.outliers.admit(room, [event])
      const stored = await storage.events.byId(event.eventId)
      if (stored) changes.set(stored.kindNid, stored.nid)
    }
    const change = await storage.maps.change(head.stateRoot, changes)
    await storage.db.write((batch) => storage.maps.write(batch, change), room.nid)
    roots.push(change.root)
  }
  const resolve = () => new StateResolver({ ...storage, states: core.states }).resolve(room, roots)
  const what = `resolution of ${CONFLICTS} conflicts among ${MEMBERS} members`
  report(`${what}, the first time`, await medianOf(1, resolve), 50)
  report(`${what}, again`, await medianOf(ROUNDS, resolve), 50)
  report('difference of the two states', await medianOf(ROUNDS, () => storage.maps.difference(roots[0] ?? 0, roots[1] ?? 0)))
}

/** The same with power levels that only one of the branches has: what cites them is in the chains of that branch alone. */
async function conflictingLevels(replica: Replica, room: Room): Promise<void> {
  const { storage, core } = replica
  const before = (await core.heads.get(room)).stateRoot
  const content = { users: { [alice]: 100, [member(1)]: 50 }, state_default: 0 }
  await replica.send(room.roomId, { sender: alice, type: 'm.room.power_levels', stateKey: '', content })
  for (let n = 0; n < CONFLICTS; n++) {
    const renamed = { membership: 'join', displayname: 'three' }
    await replica.send(room.roomId, { sender: member(n), type: 'm.room.member', stateKey: member(n), content: renamed })
  }
  const roots = [before, (await core.heads.get(room)).stateRoot]
  const resolve = () => new StateResolver({ ...storage, states: core.states }).resolve(room, roots)
  report(`${CONFLICTS} conflicts and power levels among ${MEMBERS} members, the first time`, await medianOf(1, resolve), 50)
  report(`${CONFLICTS} conflicts and power levels, again`, await medianOf(ROUNDS, resolve), 50)
}

/** Two hundred ends, each with a topic of its own. */
async function ends(replica: Replica): Promise<void> {
  const room = await roomOf(replica, 1_000)
  const base = await replica.core.sender.build(room, { sender: alice, type: 'm.room.topic', stateKey: '', content: {} })
  const { type, stateKey, sender, roomId, depth, prevEvents, authEvents, originServerTs } = base
  const template = { type, stateKey, sender, roomId, depth, prevEvents, authEvents }
  const events = Array.from({ length: ENDS }, (_, n) =>
    buildEvent({ ...template, originServerTs: originServerTs + n, content: { topic: String(n) } }, base.rules),
  )
  const started = performance.now()
  await replica.receive(replica, room.roomId, events)
  report('receipt of one of many conflicting ends', (performance.now() - started) / events.length)
  const { extremities } = await replica.core.heads.get(room)
  const roots = extremities.map(({ stateAfter }) => stateAfter)
  const resolver = () => new StateResolver({ ...replica.storage, states: replica.core.states })
  report(`resolution of ${extremities.length} ends`, await medianOf(ROUNDS, () => resolver().resolve(room, roots)))
  const send = (n: number) => replica.send(room.roomId, { sender: alice, type: 'm.room.message', content: { n } })
  report('a message sent there', await medianOf(5, send))
  const before = performance.now()
  await replica.core.crowdedRooms.bringTogether()
  report('all ends brought together', performance.now() - before)
}

process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), 'causeway-bench-'))
try {
  await main()
} finally {
  rmSync(process.env['TMPDIR'], { recursive: true })
}
