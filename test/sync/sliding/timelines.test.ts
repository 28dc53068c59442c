/** What answers say of a timeline beside its events: which are live, whether more are missing, and where those are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../../support/homeserver.ts'
import { bodiesOf, listOf, Slider } from './support.ts'

const subscribed = (room: string, limit: number) =>
  listOf({ timeline_limit: 1 }, { room_subscriptions: { [room]: { timeline_limit: limit, required_state: [] } } })

test('live is what has come since the last answer, whatever of it is hidden from the reader', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, eve] = await hs.users('alice', 'bob', 'eve')
  const room = await bob.createRoom({ preset: 'public_chat' })
  for (const user of [alice, eve]) await user.join(room)
  await alice.ok('PUT', `user/${alice.id}/account_data/m.ignored_user_list`, { ignored_users: { [eve.id]: {} } })
  const list = new Slider(alice)
  await list.sync(listOf({ timeline_limit: 20 }))
  await bob.send(room, 'first')
  for (const text of ['one', 'two', 'three']) await eve.send(room, text)
  await bob.send(room, 'second')
  const { timeline, num_live: live, limited } = await list.room(room, listOf({ timeline_limit: 20 }))
  assert.deepEqual([bodiesOf(timeline), live, limited], [['first', 'second'], 2, false])
})

test('a timeline that grows together with news has both, and says what of it is live', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await bob.createRoom({ preset: 'public_chat' })
  await alice.join(room)
  const list = new Slider(alice)
  for (const text of ['a', 'b', 'c']) await bob.send(room, text)
  const start = await list.room(room, listOf({ timeline_limit: 1 }))
  assert.deepEqual([start.initial, bodiesOf(start.timeline), start.limited, start.num_live], [true, ['c'], true, 0])
  await bob.send(room, 'd')
  const opened = await list.room(room, subscribed(room, 3))
  assert.deepEqual([opened.initial, opened.unstable_expanded_timeline], [undefined, true])
  assert.deepEqual([bodiesOf(opened.timeline), opened.limited, opened.num_live], [['b', 'c', 'd'], true, 1])
  const before = await alice.ok('GET', `rooms/${encodeURIComponent(room)}/messages?dir=b&limit=1&from=${opened.prev_batch}`)
  assert.deepEqual(bodiesOf(before['chunk'] as never), ['a'])
  assert.deepEqual((await list.sync(subscribed(room, 3))).rooms, {})
})

test('after a pos that is refused the room starts anew, and is joined to what the client has by its prev_batch', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await bob.createRoom({ preset: 'public_chat' })
  await alice.join(room)
  const list = new Slider(alice)
  await list.sync(listOf({ timeline_limit: 2 }))
  for (const text of ['a', 'b', 'c']) await bob.send(room, text)
  await hs.restart()
  await alice.refused(400, 'M_UNKNOWN_POS', 'POST', list.path(), { conn_id: 'room-list' })
  list.pos = undefined
  const anew = await list.room(room, listOf({ timeline_limit: 2 }))
  assert.deepEqual([anew.initial, bodiesOf(anew.timeline), anew.limited, anew.num_live], [true, ['b', 'c'], true, 0])
  const before = await alice.ok('GET', `rooms/${encodeURIComponent(room)}/messages?dir=b&limit=2&from=${anew.prev_batch}`)
  const [missed, known] = before['chunk'] as { content: { body?: string }; state_key?: string }[]
  assert.deepEqual([missed?.content.body, known?.state_key], ['a', alice.id])
})
