/** https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, objectAt } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { SeenEvent, TestUser } from '../../support/user.ts'
import { bodiesOf, listOf, Slider, type SlidingAnswer, type SlidingEvent } from '../../sync/sliding/support.ts'

const ignore = (user: TestUser, ...others: TestUser[]) =>
  user.ok('PUT', `user/${user.id}/account_data/m.ignored_user_list`, {
    ignored_users: Object.fromEntries(others.map(({ id }) => [id, {}])),
  })

const encoded = encodeURIComponent

/** A room with Alice, who ignores Bob, and Carol. */
async function together(users: readonly TestUser[]) {
  const [alice, bob, carol] = users
  assert.ok(alice && bob && carol)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await carol.join(room)
  await alice.setState(room, 'm.room.power_levels', { users: { [bob.id]: 100 } })
  await ignore(alice, bob)
  return { alice, bob, carol, room }
}

test('what ignored users have said is in no page of the history, nor around an event, nor among what relates to it', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, carol, room } = await together(await hs.users('alice', 'bob', 'carol'))
  const root = await alice.send(room, 'mine')
  const reply = (body: string) => ({ msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
  await bob.send(room, reply('bad'))
  await carol.send(room, reply('good'))
  await bob.setState(room, 'm.room.topic', { topic: 'state stays' })
  assert.deepEqual(await alice.messages(room), ['mine', 'good'])
  const { chunk } = await alice.ok('GET', `rooms/${encoded(room)}/messages?dir=b&limit=1`)
  assert.deepEqual(
    (chunk as SeenEvent[]).map(({ content }) => content),
    [{ topic: 'state stays' }],
  )
  const around = await alice.ok('GET', `rooms/${encoded(room)}/context/${encoded(root)}`)
  assert.deepEqual(bodiesOf(around['events_after'] as SlidingEvent[]), ['good'])
  const related = await alice.ok('GET', `/_matrix/client/v1/rooms/${encoded(room)}/relations/${encoded(root)}`)
  assert.deepEqual(bodiesOf(related['chunk'] as SlidingEvent[]), ['good'])
  assert.deepEqual(await carol.messages(room), ['mine', 'bad', 'good'])
  await ignore(alice)
  assert.deepEqual(await alice.messages(room), ['mine', 'bad', 'good'])
})

test('nobody finds what those say whom they ignore', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, carol, room } = await together(await hs.users('alice', 'bob', 'carol'))
  await bob.send(room, 'lemur of Bob')
  await carol.send(room, 'lemur of Carol')
  const body = { search_categories: { room_events: { search_term: 'lemur' } } }
  const { search_categories: found } = (await alice.ok('POST', 'search', body)) as {
    search_categories: { room_events: { count: number; results: { result: SeenEvent }[] } }
  }
  const { count, results } = found.room_events
  assert.deepEqual([count, results.map(({ result }) => result.content['body'])], [1, ['lemur of Carol']])
})

test('neither kind of sync tells what ignored users read', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, carol, room } = await together(await hs.users('alice', 'bob', 'carol'))
  const asked = listOf({}, { extensions: { receipts: { enabled: true } } })
  const list = new Slider(alice)
  await list.sync(asked)
  await alice.sync()
  const event = await alice.send(room, 'read this')
  for (const user of [bob, carol]) await user.ok('POST', `rooms/${encoded(room)}/receipt/m.read/${encoded(event)}`, {})
  const readers = ({ content }: { content: JsonObject }) => Object.keys(objectAt(objectAt(content, event) ?? {}, 'm.read') ?? {})
  const slidingReaders = ({ extensions }: SlidingAnswer) => {
    const { rooms } = extensions['receipts'] as { rooms: Record<string, { content: JsonObject }> }
    return Object.values(rooms).flatMap(readers)
  }
  assert.deepEqual(slidingReaders(await list.sync(asked)), [carol.id])
  const { rooms } = await alice.sync()
  assert.deepEqual(rooms.join[room]?.ephemeral.events.flatMap(readers), [carol.id])
  assert.deepEqual(slidingReaders(await new Slider(alice, 'another').sync(asked)), [carol.id])
})

test('sliding sync shows ignored users neither saying something, nor typing, nor inviting; but what they do to a room', async () => {
  await using hs = await testHomeserver()
  const { alice, bob, room } = await together(await hs.users('alice', 'bob', 'carol'))
  const asked = listOf({}, { extensions: { typing: { enabled: true } } })
  const list = new Slider(alice)
  await list.sync(asked)
  await bob.ok('PUT', `rooms/${encoded(room)}/typing/${bob.id}`, { typing: true, timeout: 30_000 })
  await bob.send(room, 'hidden')
  await bob.createRoom({ invite: [alice.id] })
  const quiet = await list.sync(asked)
  assert.deepEqual([quiet.rooms, quiet.lists['all']?.count], [{}, 1])
  assert.doesNotMatch(JSON.stringify(quiet.extensions), /bob/)
  await bob.setState(room, 'm.room.topic', { topic: 'new' })
  const told = await list.room(room, asked)
  assert.deepEqual(
    told.timeline?.map(({ content }) => content),
    [{ topic: 'new' }],
  )
})
