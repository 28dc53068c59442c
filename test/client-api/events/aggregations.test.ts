/** https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { SeenEvent, TestUser } from '../../support/user.ts'

const text = (body: string, relation?: JsonObject): JsonObject => ({
  msgtype: 'm.text',
  body,
  ...(relation && { 'm.relates_to': relation }),
})
const edit = (target: string, body: string): JsonObject => ({
  ...text(`* ${body}`, { rel_type: 'm.replace', event_id: target }),
  'm.new_content': text(body),
})
const reply = (root: string, body: string): JsonObject => text(body, { rel_type: 'm.thread', event_id: root })

async function relationsOf(user: TestUser, room: string, event: string): Promise<JsonObject> {
  const seen = await user.ok('GET', `rooms/${encodeURIComponent(room)}/event/${encodeURIComponent(event)}`)
  return ((seen['unsigned'] as JsonObject)['m.relations'] ?? {}) as JsonObject
}

const redact = (user: TestUser, room: string, event: string) =>
  user.ok('PUT', `rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/${event.slice(1, 9)}`, {})

async function twoInARoom(users: TestUser[]): Promise<{ alice: TestUser; bob: TestUser; room: string }> {
  const [alice, bob] = users
  assert.ok(alice && bob)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  return { alice, bob, room }
}

test('the last valid edit comes with an event, until it is redacted', async () => {
  await using server = await testHomeserver()
  const { alice, bob, room } = await twoInARoom(await server.users('alice', 'bob'))
  const event = await alice.send(room, 'teh cat')
  assert.deepEqual(await relationsOf(bob, room, event), {})
  const first = await alice.send(room, edit(event, 'the cat'))
  const second = await alice.send(room, edit(event, 'the cat!'))
  await bob.send(room, edit(event, 'the dog'))
  assert.equal(((await relationsOf(bob, room, event))['m.replace'] as JsonObject)['event_id'], second)
  await redact(alice, room, second)
  assert.equal(((await relationsOf(bob, room, event))['m.replace'] as JsonObject)['event_id'], first)
  await redact(alice, room, event)
  assert.deepEqual(await relationsOf(bob, room, event), {})
})

test('a thread is told of with its root: its last event, how many there are, and whether one takes part', async () => {
  await using server = await testHomeserver()
  const { alice, bob, room } = await twoInARoom(await server.users('alice', 'bob'))
  const root = await alice.send(room, 'root')
  await alice.send(room, reply(root, 'one'))
  const threadFor = async (user: TestUser) => (await relationsOf(user, room, root))['m.thread'] as JsonObject
  assert.equal((await threadFor(alice))['current_user_participated'], true)
  assert.equal((await threadFor(bob))['current_user_participated'], false)
  const two = await bob.send(room, reply(root, 'two'))
  const corrected = await bob.send(room, edit(two, 'two!'))
  const thread = await threadFor(bob)
  assert.deepEqual([thread['count'], thread['current_user_participated']], [2, true])
  const latest = thread['latest_event'] as SeenEvent
  assert.equal(latest.event_id, two)
  const nested = (latest['unsigned'] as JsonObject)['m.relations'] as JsonObject
  assert.equal((nested['m.replace'] as JsonObject)['event_id'], corrected)
  await redact(bob, room, two)
  assert.equal((await threadFor(alice))['count'], 1)
})

test('a sync tells each of its readers of their own part in a thread', async () => {
  await using server = await testHomeserver()
  const { alice, bob, room } = await twoInARoom(await server.users('alice', 'bob'))
  const root = await alice.send(room, 'root')
  await bob.send(room, reply(root, 'one'))
  const [carol] = await server.users('carol')
  await carol.join(room)
  for (const [user, expected] of [
    [carol, false],
    [bob, true],
    [alice, true],
  ] as const) {
    const sync = await user.sync()
    const seen = sync.rooms.join[room]?.timeline.events.find(({ event_id: id }) => id === root)
    assert.ok(seen)
    const relations = (seen['unsigned'] as JsonObject)['m.relations'] as JsonObject
    assert.equal((relations['m.thread'] as JsonObject)['current_user_participated'], expected)
  }
})

test('references are listed; who has left is told of no children', async () => {
  await using server = await testHomeserver()
  const { alice, bob, room } = await twoInARoom(await server.users('alice', 'bob'))
  const event = await alice.send(room, 'question')
  const answer = await alice.send(room, text('answer', { rel_type: 'm.reference', event_id: event }))
  assert.deepEqual(await relationsOf(bob, room, event), { 'm.reference': { chunk: [{ event_id: answer }] } })
  await bob.leave(room)
  assert.deepEqual(await relationsOf(bob, room, event), {})
})

test('the threads of a room are listed, the last one first, in pages, all or those that one takes part in', async () => {
  await using server = await testHomeserver()
  const { alice, bob, room } = await twoInARoom(await server.users('alice', 'bob'))
  const roots: string[] = []
  for (const name of ['a', 'b', 'c']) roots.push(await alice.send(room, name))
  const [a = '', b = '', c = ''] = roots
  for (const root of [a, b, c, a]) await alice.send(room, reply(root, 'more'))
  await bob.send(room, reply(b, 'from bob'))
  const list = async (query: string) => {
    const page = await bob.ok('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(room)}/threads?${query}`)
    return { ids: (page['chunk'] as SeenEvent[]).map(({ event_id: id }) => id), next: page['next_batch'] }
  }
  assert.deepEqual((await list('')).ids, [b, a, c])
  const first = await list('limit=2')
  assert.deepEqual(first.ids, [b, a])
  assert.deepEqual(await list(`limit=2&from=${String(first.next)}`), { ids: [c], next: undefined })
  assert.deepEqual((await list('include=participated')).ids, [b])
})

test('what ignored users say is no part of what an event is told with', async () => {
  await using server = await testHomeserver()
  const { alice, bob, room } = await twoInARoom(await server.users('alice', 'bob'))
  const carol = await server.user('carol')
  await carol.join(room)
  const ignore = (users: TestUser[]) =>
    carol.ok('PUT', `user/${encodeURIComponent(carol.id)}/account_data/m.ignored_user_list`, {
      ignored_users: Object.fromEntries(users.map(({ id }) => [id, {}])),
    })
  const root = await alice.send(room, 'root')
  const reference = (body: string) => text(body, { rel_type: 'm.reference', event_id: root })
  await alice.send(room, reply(root, 'from alice'))
  await bob.send(room, reply(root, 'from bob'))
  const both = [await alice.send(room, reference('from alice')), await bob.send(room, reference('from bob'))]
  await alice.send(room, edit(root, 'the root'))
  const seen = async () => {
    const found = await relationsOf(carol, room, root)
    const thread = found['m.thread'] as JsonObject | undefined
    return {
      latest: (thread?.['latest_event'] as SeenEvent | undefined)?.content['body'],
      count: thread?.['count'],
      references: (found['m.reference'] as { chunk: { event_id: string }[] } | undefined)?.chunk.map((entry) => entry.event_id),
      isEdited: 'm.replace' in found,
    }
  }
  assert.deepEqual(await seen(), { latest: 'from bob', count: 2, references: both, isEdited: true })
  await ignore([bob])
  assert.deepEqual(await seen(), { latest: 'from alice', count: 1, references: both.slice(0, 1), isEdited: true })
  await ignore([alice, bob])
  assert.deepEqual(await seen(), { latest: undefined, count: undefined, references: undefined, isEdited: false })
  await ignore([alice])
  const { chunk } = await carol.ok('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(room)}/threads`)
  const [shown] = chunk as SeenEvent[]
  assert.deepEqual([shown?.event_id, shown?.content], [root, {}])
})
