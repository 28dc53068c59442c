/** State resolution that has thousands of events to check: it costs the room that it is about, and nobody else. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { UserId } from '../../schemas/ids.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import type { Event } from '../../src/protocol/event.ts'
import type { Room } from '../../src/storage/rooms.ts'
import { Branch } from '../../bench/branch.ts'
import { Replica } from '../support/replica.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const MEMBERS = 3_000
/** Events between two turns, at most. */
const SLICE = 256
const LONGEST_REST = 30_000

const replica = new Replica('ours')
after(() => replica[Symbol.asyncDispose]())

/** A room in which bob was before thousands of others, and an event of his from that time that comes now. */
async function roomWithLateNews(): Promise<{ room: Room; news: (name: string) => Event }> {
  const { core } = replica
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  const joined = { type: 'm.room.member', content: { membership: 'join' } }
  await replica.send(roomId, { ...joined, sender: bob, stateKey: bob })
  const room = await replica.room(roomId)
  const like = await core.sender.build(room, { ...joined, sender: bob, stateKey: bob })
  const branch = await Branch.from(replica, room, (await core.heads.get(room)).stateRoot, [alice, bob])
  const members = Array.from({ length: MEMBERS }, (_, n) => `@member${n}:other` as UserId)
  for (const sender of members.slice(1)) branch.add({ ...joined, sender, stateKey: sender })
  const root = await branch.save()
  const [first = bob] = members
  const last = branch.add({ ...joined, sender: first, stateKey: first })
  await (await core.heads.locked(roomId, () => core.writer.enter(room, last, root))).written
  const { prevEvents, authEvents, depth, originServerTs } = like
  const template = { ...joined, roomId, sender: bob, stateKey: bob, prevEvents, authEvents, depth, originServerTs }
  const news = (displayname: string) => buildEvent({ ...template, content: { membership: 'join', displayname } }, room.rules)
  return { room, news }
}

/** Runs until something has come, with a turn of the event loop after each look; tells how many it took. */
async function turnsUntil(isDone: () => boolean | Promise<boolean>): Promise<number> {
  let turns = 0
  for (; !(await isDone()); turns++) await nextTurn()
  return turns
}

const isEnd = async (room: Room, { eventId }: Event) =>
  (await replica.core.heads.get(room)).extremities.some((end) => end.eventId === eventId)

test('other rooms go on while the state of one is resolved, and the event loop has its turns', async () => {
  const { room, news } = await roomWithLateNews()
  const other = await replica.create('11', alice, [])
  const bobsNews = news('Bob')
  const received = replica.receive(replica, room.roomId, [bobsNews])
  const done = new AbortController()
  let sent = 0
  const talk = async () => {
    while (!done.signal.aborted) {
      await replica.send(other.roomId, { sender: alice, type: 'm.room.message', content: {} })
      if (!done.signal.aborted) sent++
    }
  }
  const talking = talk()
  const turns = await turnsUntil(() => isEnd(room, bobsNews))
  done.abort()
  await talking
  assert.ok(turns >= (2 * MEMBERS) / SLICE, `${turns} turns: for reading the events, and for checking them`)
  assert.ok(sent > 0, 'a message was durable in another room before')
  replica.clock.later(LONGEST_REST)
  assert.deepEqual(
    (await received).map(({ kind }) => kind),
    ['accepted'],
  )
})

test('who has made us check thousands of events waits before the next one is taken', async () => {
  const { room, news } = await roomWithLateNews()
  const [first, second] = [news('one'), news('two')]
  const received = replica.receive(replica, room.roomId, [first, second])
  await turnsUntil(() => isEnd(room, first))
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  assert.equal(await replica.storage.events.byId(second.eventId), undefined)
  replica.clock.later(LONGEST_REST)
  await turnsUntil(() => isEnd(room, second))
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  replica.clock.later(LONGEST_REST)
  assert.deepEqual(
    (await received).map(({ kind }) => kind),
    ['accepted', 'accepted'],
  )
})
