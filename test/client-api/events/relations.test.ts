import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type Client, roomServer } from '../../support/room-server.ts'

interface Page {
  readonly chunk: readonly { event_id: string }[]
  readonly next_batch?: string
  readonly recursion_depth?: number
}

const relating = (to: string, relType: string, more: Record<string, string> = {}) => ({
  body: 'child',
  'm.relates_to': { rel_type: relType, event_id: to, ...more },
})

async function list(client: Client, room: string, rest: string): Promise<string[]> {
  const { chunk } = await client.ok<Page>('GET', `/_matrix/client/v1/rooms/${room}/relations/${rest}`)
  return chunk.map((event) => event.event_id)
}

test('the children of an event, all or those of one kind, page by page', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const parent = await alice.send(room, 'parent')
  await alice.send(room, 'no child')
  const first = await alice.send(room, relating(parent, 'm.thread'))
  const like = await alice.send(room, relating(parent, 'm.annotation', { key: '👍' }), 'm.reaction')
  const last = await alice.send(room, relating(parent, 'm.thread'), 'org.example.poll')
  assert.deepEqual(await list(alice, room, parent), [last, like, first])
  assert.deepEqual(await list(alice, room, `${parent}?dir=f`), [first, like, last])
  assert.deepEqual(await list(alice, room, `${parent}/m.thread`), [last, first])
  assert.deepEqual(await list(alice, room, `${parent}/m.thread/m.room.message`), [first])
  const page = await alice.ok<Page>('GET', `/_matrix/client/v1/rooms/${room}/relations/${parent}?limit=2`)
  assert.equal(page.chunk.length, 2)
  assert.deepEqual(await list(alice, room, `${parent}?limit=2&from=${page.next_batch}`), [first])
  await alice.ok('PUT', `rooms/${room}/redact/${like}/r`, {})
  assert.deepEqual(await list(alice, room, parent), [last, first])
})

test('a redaction takes related events with it, as far as the user may redact them', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const parent = await bob.send(room, 'parent')
  const edit = await bob.send(room, relating(parent, 'm.replace'))
  const answer = await bob.send(room, relating(parent, 'm.thread'))
  const like = await alice.send(room, relating(parent, 'm.annotation', { key: '👍' }), 'm.reaction')
  const grandchild = await bob.send(room, relating(answer, 'm.annotation', { key: '👍' }), 'm.reaction')
  const redact = (user: typeof alice, txnId: string, relTypes: string[], name = 'org.matrix.msc3912.with_relations') =>
    user.ok('PUT', `rooms/${room}/redact/${parent}/${txnId}`, { reason: 'wrong', [name]: relTypes })
  const contentOf = async (event: string) => (await bob.ok('GET', `rooms/${room}/event/${event}`))['content']
  const isRedacted = async (event: string) => isDeepStrictEqual(await contentOf(event), {})
  const redacted = () => Promise.all([parent, edit, answer, like, grandchild].map(isRedacted))
  const { event_id: redaction } = await redact(bob, 'one', ['m.replace', 'm.annotation'])
  assert.deepEqual(await redacted(), [true, true, false, false, false])
  assert.deepEqual(await contentOf(String(redaction)), { reason: 'wrong', redacts: parent })
  assert.deepEqual(await redact(bob, 'one', ['*']), { event_id: redaction })
  assert.deepEqual(await redacted(), [true, true, true, false, false])
  await redact(alice, 'two', ['*'], 'with_rel_types')
  assert.deepEqual(await redacted(), [true, true, true, true, false])
})

test('children of children come with recurse', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const parent = await alice.send(room, 'parent')
  const child = await alice.send(room, relating(parent, 'm.thread'))
  const grandchild = await alice.send(room, relating(child, 'm.annotation', { key: '👍' }), 'm.reaction')
  assert.deepEqual(await list(alice, room, parent), [child])
  assert.deepEqual(await list(alice, room, `${parent}?recurse=true`), [grandchild, child])
  const { recursion_depth: depth } = await alice.ok<Page>(
    'GET',
    `/_matrix/client/v1/rooms/${room}/relations/${parent}?recurse=true`,
  )
  assert.equal(depth, 3)
})

test('what is not for somebody to see is not listed for them', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' })
  const hidden = await alice.send(room, 'hidden')
  await bob.refused('M_NOT_FOUND', 'GET', `/_matrix/client/v1/rooms/${room}/relations/${hidden}`)
  await bob.join(room)
  await bob.refused('M_NOT_FOUND', 'GET', `/_matrix/client/v1/rooms/${room}/relations/${hidden}`)
  const parent = await alice.send(room, 'parent')
  await bob.ok('POST', `rooms/${room}/leave`)
  await alice.send(room, relating(parent, 'm.thread'))
  assert.deepEqual(await list(bob, room, parent), [])
})

test('an annotation is sent once, unless it was taken back', async () => {
  await using hs = await roomServer()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const parent = await alice.send(room, 'parent')
  const like = relating(parent, 'm.annotation', { key: '👍' })
  const path = `rooms/${room}/send/m.reaction`
  const first = await alice.ok('PUT', `${path}/a`, like)
  assert.deepEqual(await alice.ok('PUT', `${path}/a`, like), first)
  await alice.refused('M_DUPLICATE_ANNOTATION', 'PUT', `${path}/b`, like)
  await alice.ok('PUT', `${path}/c`, relating(parent, 'm.annotation', { key: '🎉' }))
  await bob.ok('PUT', `${path}/d`, like)
  await alice.ok('PUT', `rooms/${room}/redact/${String(first['event_id'])}/e`, {})
  await alice.ok('PUT', `${path}/f`, like)
})

test('a thread starts from an event that relates to no other one', async () => {
  await using hs = await roomServer()
  const alice = await hs.user('alice')
  const room = await alice.createRoom()
  const root = await alice.send(room, 'root')
  const inThread = await alice.send(room, relating(root, 'm.thread'))
  const like = await alice.send(room, relating(root, 'm.annotation', { key: '👍' }), 'm.reaction')
  const reply = await alice.send(room, { body: 'reply', 'm.relates_to': { 'm.in_reply_to': { event_id: root } } })
  const path = `rooms/${room}/send/m.room.message`
  for (const child of [inThread, like]) {
    const { status } = await alice.refused('M_UNKNOWN', 'PUT', `${path}/to${child.slice(1)}`, relating(child, 'm.thread'))
    assert.equal(status, 400)
  }
  await alice.ok('PUT', `${path}/reply`, relating(reply, 'm.thread'))
  await alice.ok('PUT', `${path}/unknown`, relating('$unknown', 'm.thread'))
})
