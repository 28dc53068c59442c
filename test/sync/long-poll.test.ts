import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bodies, type Syncer, roomOfTwo, syncServer } from './support.ts'
import type { SyncExtension, SyncPart } from '../../src/sync/extension.ts'
import type { SyncRequest } from '../../src/sync/request.ts'

const POLL = { timeout: '30000' }

describe('a long poll', () => {
  test('is answered when something happens', async () => {
    await using two = await roomOfTwo()
    const { hs, alice, bob, room } = two
    await bob.sync()
    const answer = bob.room(room, POLL)
    await hs.untilWaiting(1)
    await alice.send(room, 'hello')
    assert.deepEqual(bodies((await answer).timeline.events), ['hello'])
  })

  test('is answered when its time is over, with a token that goes on', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const before = await alice.sync()
    const answer = alice.sync(POLL)
    await hs.untilWaiting(1)
    hs.clock.later(30_000)
    const { next_batch: token, rooms } = await answer
    assert.deepEqual(rooms.join, {})
    assert.ok(Number(token.slice(1)) >= Number(before.next_batch.slice(1)))
  })

  test('sleeps on through what a filter holds back, and through what concerns others', async () => {
    await using two = await roomOfTwo()
    const { hs, alice, bob, room } = two
    const filter = { room: { timeline: { types: ['m.room.message'] } } }
    await bob.sync({ filter })
    const answer = bob.sync({ ...POLL, filter })
    await hs.untilWaiting(1)
    await alice.send(room, {}, 'test.filler')
    await alice.createRoom()
    await hs.untilWaiting(1)
    await alice.send(room, 'hello')
    assert.deepEqual(bodies((await answer).rooms.join[room]?.timeline.events ?? []), ['hello'])
  })

  for (const [name, act] of [
    ['an invite', (alice: Syncer, bob: Syncer) => alice.createRoom({ invite: [bob.id] })],
    ['account data', (_: Syncer, bob: Syncer) => bob.ok('PUT', `user/${bob.id}/account_data/test.type`, {})],
    ['a room of one’s own', (_: Syncer, bob: Syncer) => bob.createRoom()],
    [
      'a push rule',
      (_: Syncer, bob: Syncer) => bob.ok('PUT', 'pushrules/global/content/tea', { actions: ['notify'], pattern: 'tea' }),
    ],
  ] as const) {
    test(`is answered for ${name}`, async () => {
      await using hs = await syncServer()
      const [alice, bob] = await hs.users('alice', 'bob')
      await bob.sync()
      const answer = bob.sync(POLL)
      await hs.untilWaiting(1)
      await act(alice, bob)
      const { account_data: data, rooms } = await answer
      assert.equal(data.events.length + Object.keys(rooms.invite).length + Object.keys(rooms.join).length, 1)
    })
  }

  test('is answered for an own leave, and hears no more of the room', async () => {
    await using two = await roomOfTwo()
    const { hs, alice, bob, room } = two
    await bob.sync()
    const answer = bob.sync(POLL)
    await hs.untilWaiting(1)
    await bob.ok('POST', `rooms/${room}/leave`, {})
    assert.deepEqual(bodies((await answer).rooms.leave[room]?.timeline.events ?? []), ['leave'])
    const next = bob.sync(POLL)
    await hs.untilWaiting(1)
    await alice.send(room, 'hello')
    await hs.untilWaiting(1)
    hs.clock.later(30_000)
    assert.deepEqual((await next).rooms, { join: {}, leave: {}, invite: {}, knock: {} })
  })

  test('of many members is answered for all of them by one event', async () => {
    await using hs = await syncServer()
    const users = await hs.users('alice', 'u1', 'u2', 'u3', 'u4', 'u5')
    const [alice, ...others] = users
    assert.ok(alice)
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const user of others) await user.join(room)
    await Promise.all(users.map((user) => user.sync()))
    const answers = users.map((user) => user.room(room, POLL))
    await hs.untilWaiting(users.length)
    await alice.send(room, 'hello')
    for (const { timeline, unread_notifications: unread } of (await Promise.all(answers)).slice(1))
      assert.deepEqual([bodies(timeline.events), unread.notification_count], [['hello'], 1])
  })
})

describe('a token', () => {
  for (const since of ['', 'x', 's', 's1x', 's1.5', 's99999999999999999', '1']) {
    test(`"${since}" is refused`, async () => {
      await using hs = await syncServer()
      const alice = await hs.user('alice')
      const { status } = await alice.refused('M_INVALID_PARAM', 'GET', `sync?since=${since}`)
      assert.equal(status, 400)
    })
  }

  test('may be used again and gives the same, and what came later', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    const { next_batch: since } = await alice.sync()
    await alice.send(room, '1')
    const first = await alice.syncFrom(since)
    assert.deepEqual(await alice.syncFrom(since), first)
    await alice.send(room, '2')
    assert.deepEqual(bodies((await alice.syncFrom(since)).rooms.join[room]?.timeline.events ?? []), ['1', '2'])
    assert.deepEqual(bodies((await alice.syncFrom(first.next_batch)).rooms.join[room]?.timeline.events ?? []), ['2'])
  })

  test('from before the start of the server, and one from the future, go on', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const room = await alice.createRoom()
    assert.ok((await alice.syncFrom('s0')).rooms.join[room])
    const { next_batch: next } = await alice.syncFrom('s900000000')
    await alice.send(room, 'hello')
    assert.deepEqual(bodies((await alice.syncFrom(next)).rooms.join[room]?.timeline.events ?? []), ['hello'])
  })

  test('that is far behind a busy room misses nothing', async () => {
    await using hs = await syncServer()
    const alice = await hs.user('alice')
    const rooms = await Promise.all(Array.from({ length: 3 }, () => alice.createRoom()))
    const { next_batch: since } = await alice.sync()
    for (let i = 0; i < 100; i++) for (const room of rooms) await alice.send(room, `${i}`)
    const seen = (await alice.syncFrom(since)).rooms.join
    assert.deepEqual(new Set(Object.keys(seen)), new Set(rooms))
  })
})

test('what extensions say is in the answer, and news of theirs are worth one', async () => {
  const heard: SyncRequest[] = []
  const message = { type: 'test', sender: '@bob:test', content: {} }
  const parts: SyncPart[] = [{ name: 'device_one_time_keys_count', text: '{"signed_curve25519":5}', isNews: false }]
  const extension: SyncExtension = {
    begin: async (request) => void heard.push(request),
    parts: async () => parts,
  }
  await using hs = await syncServer({ extensions: [extension] })
  const alice = await hs.user('alice')
  const first = await alice.ok('GET', 'sync?set_presence=offline')
  assert.deepEqual(first['device_one_time_keys_count'], { signed_curve25519: 5 })
  assert.equal(heard[0]?.setPresence, 'offline')
  await alice.sync()
  const answer = alice.ok('GET', `sync?since=${alice.since}&timeout=30000`)
  await hs.untilWaiting(1)
  parts.push({ name: 'to_device', text: `{"events":[${JSON.stringify(message)}]}`, isNews: true })
  await hs.storage.db.write((batch) => {
    batch.nextPosition()
    batch.touchUser(heard[0]?.reader.userNid ?? 0)
  })
  assert.deepEqual((await answer)['to_device'], { events: [message] })
})

const poll = (user: Syncer) => user.call('GET', `sync?since=${user.since}&timeout=30000`)

test('of one user so many wait: of more, the one that has waited the longest is refused', async () => {
  await using hs = await syncServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await alice.sync()
  await bob.sync()
  const [first, ofBob] = [poll(alice), poll(bob)]
  await hs.untilWaiting(2)
  const others = Array.from({ length: 200 }, () => poll(alice))
  const { status, json } = await first
  assert.deepEqual([status, json['errcode'], json['error']], [429, 'M_LIMIT_EXCEEDED', 'Too many requests (waiting requests)'])
  await alice.send(room, 'hello')
  for (const { status: each } of await Promise.all([...others, ofBob])) assert.equal(each, 200)
})

test('an answer is kept for whoever did not get it, but not very many and long ones', async () => {
  let built = 0
  const long: SyncExtension = {
    parts: async () => [{ name: 'org.example.long', text: `"${++built}${'x'.repeat(5_000_000)}"`, isNews: true }],
  }
  await using hs = await syncServer({ extensions: [long] })
  const alice = await hs.user('alice')
  const { next_batch: since } = await alice.sync()
  const again = async (n: number) => {
    const before = built
    await alice.syncFrom(since, { filter: JSON.stringify({ room: { timeline: { limit: n } } }) })
    return built - before
  }
  assert.deepEqual([await again(1), await again(1)], [1, 0])
  for (let n = 2; n < 9; n++) assert.equal(await again(n), 1)
  assert.deepEqual([await again(8), await again(1)], [0, 1])
})
