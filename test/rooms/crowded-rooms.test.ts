import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { UserId } from '../../schemas/ids.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import { Replica } from '../support/replica.ts'

const alice = '@alice:ours' as UserId
const bob = '@bob:other' as UserId
const ENDS = 1_000

/** A room in which another server has let a thousand ends grow. */
async function crowdedRoom(levels = {}, options = {}) {
  const replica = new Replica('ours', undefined, undefined, options)
  const { roomId } = await replica.create('11', alice, [
    { type: 'm.room.power_levels', stateKey: '', content: { users: { [alice]: 100 }, ...levels } },
    { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
  ])
  await replica.send(roomId, { sender: bob, type: 'm.room.member', stateKey: bob, content: { membership: 'join' } })
  const room = await replica.room(roomId)
  const first = await replica.core.sender.build(room, { sender: bob, type: 'm.room.message', content: {} })
  const { depth, prevEvents, authEvents, originServerTs } = first
  const template = { type: first.type, sender: bob, roomId, originServerTs, depth, prevEvents, authEvents }
  const events = Array.from({ length: ENDS }, (_, n) => buildEvent({ ...template, content: { n } }, first.rules))
  await replica.receive(replica, roomId, events)
  const ends = async () => (await replica.core.heads.get(room)).extremities.length
  return { replica, room, ends, [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose]() }
}

test('a room with a thousand ends heals within a minute by itself, and clients see nothing of it', async () => {
  await using setting = await crowdedRoom()
  const { replica, room, ends } = setting
  assert.equal(await ends(), ENDS)
  const { storage, core, clock } = replica
  const stop = new AbortController()
  const before = storage.db.position
  const healed = new Promise<void>((resolve) => {
    storage.db.onCommit(() => {
      if (!core.heads.isCrowded(room)) resolve()
    })
  })
  const running = core.crowdedRooms.run(stop.signal)
  clock.later(60_000)
  await healed
  stop.abort()
  await running
  assert.ok((await ends()) <= 10, String(await ends()))
  const entries = await storage.timelines.forwards(room.nid, before, storage.db.position, 1_000)
  const dummies = [...(await storage.events.byNids(entries.map(({ nid }) => nid))).values()]
  assert.ok(dummies.length > 0 && dummies.every(({ type }) => type === 'org.matrix.dummy_event'))
  assert.deepEqual(await core.visibility.visible(dummies, { userNid: 0, userId: alice }), [])
})

test('a room that nobody has touched since the server was started heals as well', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  const options = { file: join(folder, 'test.db') }
  const before = await crowdedRoom({}, options)
  await before[Symbol.asyncDispose]()
  await using replica = new Replica('ours', undefined, undefined, options)
  const { storage, core, clock } = replica
  assert.deepEqual(core.heads.crowded(), [], 'nothing is known of it yet')
  const stop = new AbortController()
  const healed = new Promise<void>((resolve) => {
    storage.db.onCommit(() => {
      if (!core.heads.isCrowded(before.room)) resolve()
    })
  })
  const running = core.crowdedRooms.run(stop.signal)
  clock.later(20_000)
  await healed
  stop.abort()
  await running
  const { extremities } = await core.heads.get(await replica.room(before.room.roomId))
  assert.ok(extremities.length <= 10, String(extremities.length))
  await rm(folder, { recursive: true })
})

test('where none of our users may send anything the ends stay, and nothing fails', async () => {
  await using setting = await crowdedRoom({ events: { 'org.matrix.dummy_event': 101 } })
  const { replica, ends } = setting
  assert.equal(await ends(), ENDS)
  await replica.core.crowdedRooms.bringTogether()
  assert.equal(await ends(), ENDS)
})
