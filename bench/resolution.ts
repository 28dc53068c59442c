/** What state resolution costs: what rooms come to by themselves, and what somebody may do to them on purpose. */
import type { UserId } from '../schemas/ids.ts'
import type { JsonObject } from '../schemas/json.ts'
import { StateResolver } from '../src/rooms/resolve.ts'
import type { Draft } from '../src/rooms/send.ts'
import { RoomStates } from '../src/rooms/state.ts'
import { AuthGraph } from '../src/storage/auth-graph.ts'
import type { Database } from '../src/storage/database.ts'
import { Events } from '../src/storage/events.ts'
import type { Room } from '../src/storage/rooms.ts'
import { StateMaps } from '../src/storage/state.ts'
import type { Replica } from '../test/support/replica.ts'
import { Branch } from './branch.ts'
import { cpuOf, report } from './measure.ts'

const CONFLICTS = 100
const ENDS = 1_000
const ROUNDS = 5

export const alice = '@alice:ours' as UserId
export const member = (n: number) => `@member${n}:other` as UserId
export const joined = (userId: UserId, displayname?: string): Draft => ({
  sender: userId,
  type: 'm.room.member',
  stateKey: userId,
  content: { membership: 'join', ...(displayname !== undefined && { displayname }) },
})
const topic = (text: string): Draft => ({ sender: alice, type: 'm.room.topic', stateKey: '', content: { topic: text } })
const levels = (users: JsonObject): Draft => ({
  sender: alice,
  type: 'm.room.power_levels',
  stateKey: '',
  content: { users: { [alice]: 100, ...users }, state_default: 0 },
})
const users = (count: number) => [alice, ...Array.from({ length: count }, (_, n) => member(n))]

/** Times the resolution of states, first with nothing in memory, then again. */
async function time(replica: Replica, room: Room, what: string, roots: readonly number[], mark?: number): Promise<void> {
  const { storage, core } = replica
  report(`${what}, from disk`, await cpuOf(1, () => coldResolver(replica).resolve(room, roots)), mark)
  const again = () => new StateResolver({ ...storage, states: core.states }).resolve(room, roots)
  report(`${what}, again`, await cpuOf(ROUNDS, again), mark)
}

/** A resolver that remembers nothing, and whose outcome is not kept. */
function coldResolver({ storage: { db, names, rooms } }: Replica): StateResolver {
  const maps = new StateMaps(db)
  const authGraph = new AuthGraph(db)
  const events = new Events(db, names, rooms, authGraph)
  const unwritten = { all: db.all.bind(db), write: async () => {} } as unknown as Database
  return new StateResolver({ db: unwritten, maps, authGraph, events, states: new RoomStates(names, events, maps) })
}

/** Conflicts in a large room. */
export async function largeRoom(replica: Replica, room: Room, members: number, early: number): Promise<void> {
  const { stateRoot } = await replica.core.heads.get(room)
  const start = await Branch.from(replica, room, stateRoot, users(CONFLICTS))
  const renamed = async (name: string, prepare?: (branch: Branch) => void) => {
    const branch = await start.fork()
    prepare?.(branch)
    for (let n = 0; n < CONFLICTS; n++) branch.add(joined(member(n), name))
    return branch.save()
  }
  const one = await renamed('one')
  const within = `among ${members} members`
  await time(replica, room, `${CONFLICTS} conflicts ${within}`, [one, await renamed('two')], 50)
  const promoted = await renamed('three', (branch) => branch.add(levels({ [member(1)]: 50 })))
  await time(replica, room, `${CONFLICTS} conflicts and power levels ${within}`, [one, promoted], 50)
  await time(replica, room, `a fork from when ${members} were still to come`, [early, one])
}

/** A thousand ends in a room of a thousand. */
export async function manyEnds(replica: Replica, room: Room): Promise<void> {
  const { stateRoot } = await replica.core.heads.get(room)
  const start = await Branch.from(replica, room, stateRoot, users(ENDS))
  const each = async (draft: (n: number) => Draft) => {
    const roots: number[] = []
    for (let n = 0; n < ENDS; n++) {
      const branch = await start.fork()
      branch.add(draft(n))
      roots.push(await branch.save())
    }
    return roots
  }
  await time(
    replica,
    room,
    `${ENDS} ends without conflicts`,
    Array.from({ length: ENDS }, () => stateRoot),
  )
  await time(replica, room, `${ENDS} ends, each with a topic of its own`, await each((n) => topic(String(n))))
  await time(replica, room, `${ENDS} ends, each of another member`, await each((n) => joined(member(n), 'new')))
  await time(replica, room, `${ENDS} ends, each with power levels of its own`, await each((n) => levels({ [member(n)]: 50 })))
}

async function fork(from: Branch, ...drafts: Draft[]): Promise<number> {
  const branch = await from.fork()
  for (const draft of drafts) branch.add(draft)
  return branch.save()
}

/** Rooms that somebody has made on purpose. */
export async function attacks(replica: Replica, room: Room, size: number): Promise<void> {
  const { stateRoot } = await replica.core.heads.get(room)
  const start = await Branch.from(replica, room, stateRoot, users(2))
  // All cite the same power levels, which nobody else does, and none the one before it.
  const crowd = await start.fork()
  const fresh = crowd.add(levels({ [member(2)]: 50 }))
  const own = crowd.add(joined(member(0), 'first'))
  for (let n = 0; n < size; n++) crowd.add(joined(member(0), String(n)), [own, fresh])
  await time(replica, room, `an event that ${size} cite, none of them shared`, [
    await crowd.save(),
    await fork(start, joined(member(0), 'x')),
  ])
  const line = await start.fork()
  const other = line.add(levels({ [member(2)]: 51 }))
  for (let n = 0; n < size; n++) line.add(joined(member(0), String(n)), [other])
  await time(replica, room, `an event that a line of ${size} cites, none of them shared`, [
    await line.save(),
    await fork(line, joined(member(0), 'x'), levels({ [member(2)]: 52 })),
  ])
  const changes = await start.fork()
  for (let n = 0; n < size / 5; n++) changes.add(levels({ [member(2)]: n % 50 }))
  const what = `${size / 5} changes of power levels in a row`
  await time(replica, room, `${what}, a fork at the end`, [
    await fork(changes, levels({ [member(1)]: 1 })),
    await fork(changes, levels({ [member(1)]: 2 })),
  ])
  await time(replica, room, `${what}, a topic from before them`, [
    await fork(changes, topic('one')),
    await fork(start, topic('two')),
  ])
}
