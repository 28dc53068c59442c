/**
 * What deciding about events costs, without clients and network: `node bench/rooms.ts [MEMBERS]`.
 * Times are milliseconds of CPU on the main thread.
 */
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { mkdtempSync, rmSync } from 'node:fs'
import { authStateKeys } from '../src/protocol/auth-events.ts'
import { authorise } from '../src/protocol/event-auth/index.ts'
import { buildEvent } from '../src/protocol/event-builder.ts'
import type { Event } from '../src/protocol/event.ts'
import type { Room } from '../src/storage/rooms.ts'
import { Replica } from '../test/support/replica.ts'
import { Branch } from './branch.ts'
import { cpuOf, report } from './measure.ts'
import { alice, attacks, joined, largeRoom, manyEnds, member } from './resolution.ts'

const MEMBERS = Number(process.argv[2] ?? 50_000)
const ENDS = 200

async function main(): Promise<void> {
  await using replica = new Replica('ours')
  const { room, early } = await roomOf(replica, MEMBERS)
  report(`state at an event of ${MEMBERS} members, one key`, await cpuOf(200, (n) => readOne(replica, room, n)), 1)
  await authCheck(replica, room)
  await receipt(replica, room)
  await largeRoom(replica, room, MEMBERS, early)
  const { room: smaller } = await roomOf(replica, 1_000)
  await manyEnds(replica, smaller)
  await attacks(replica, smaller, MEMBERS)
  await ends(replica)
}

/** A public room whose members, all but the creator, are of another server; and the root of the state before these came. */
async function roomOf(replica: Replica, members: number): Promise<{ room: Room; early: number }> {
  const { core } = replica
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.power_levels', stateKey: '', content: { users: { [alice]: 100 }, state_default: 0 } },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  const room = await replica.room(roomId)
  const early = (await core.heads.get(room)).stateRoot
  const branch = await Branch.from(replica, room, early, [alice])
  for (let n = 1; n < members; n++) branch.add(joined(member(n)))
  const root = await branch.save()
  const last = branch.add(joined(member(0)))
  await (await core.heads.locked(roomId, () => core.writer.enter(room, last, root))).written
  return { room, early }
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
  const one = await cpuOf(2_000, async () => authorise(event, find))
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
  const taken = await cpuOf(events.length / 50, (n) => replica.receive(replica, room.roomId, events.slice(n * 50, n * 50 + 50)))
  const { user } = process.cpuUsage(started)
  report('receipt of a message, without form and signatures, with the commit', taken / 50, 0.25)
  report('the same as CPU time of all threads', user / 1000 / events.length)
}

/** Two hundred ends, each with a topic of its own. */
async function ends(replica: Replica): Promise<void> {
  const { room } = await roomOf(replica, 1_000)
  const base = await replica.core.sender.build(room, { sender: alice, type: 'm.room.topic', stateKey: '', content: {} })
  const { type, stateKey, sender, roomId, depth, prevEvents, authEvents, originServerTs } = base
  const template = { type, stateKey, sender, roomId, depth, prevEvents, authEvents }
  const events = Array.from({ length: ENDS }, (_, n) =>
    buildEvent({ ...template, originServerTs: originServerTs + n, content: { topic: String(n) } }, base.rules),
  )
  const received = await cpuOf(1, () => replica.receive(replica, room.roomId, events))
  report('receipt of one of many conflicting ends', received / events.length)
  const send = (n: number) => replica.send(room.roomId, { sender: alice, type: 'm.room.message', content: { n } })
  report('a message sent there', await cpuOf(5, send))
  report('all ends brought together', await cpuOf(1, () => replica.core.crowdedRooms.bringTogether()))
}

process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), 'causeway-bench-'))
try {
  await main()
} finally {
  rmSync(process.env['TMPDIR'], { recursive: true })
}
