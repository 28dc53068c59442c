/** Conversations with clients from before /sync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testHomeserver } from '../../support/homeserver.ts'
import type { SeenEvent, TestUser } from '../../support/user.ts'

const eventsOf = (body: JsonObject): SeenEvent[] => body['chunk'] as unknown as SeenEvent[]
const bodiesOf = (body: JsonObject): unknown[] => eventsOf(body).flatMap(({ content }) => content['body'] ?? [])

const roomsOf = (body: JsonObject) =>
  new Map((body['rooms'] as JsonObject[]).map((section) => [section['room_id'], section['membership']]))

async function position(user: TestUser): Promise<string> {
  return String((await user.ok('GET', 'events?timeout=0'))['end'])
}

test('the event stream tells of messages in order, in pages, and of what is new while one waits', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ invite: [bob.id] })
  const invited = await bob.ok('GET', 'events?from=s0&timeout=0')
  assert.deepEqual(
    eventsOf(invited).flatMap(({ type, content }) => (type === 'm.room.member' ? [content['membership']] : [])),
    ['invite'],
  )
  await bob.join(room)
  let from = await position(bob)
  for (const text of ['one', 'two', 'three']) await alice.send(room, text)
  const seen: unknown[] = []
  for (let page = 0; page < 3; page++) {
    const answer = await bob.ok('GET', `events?from=${from}&limit=1&timeout=0`)
    seen.push(...bodiesOf(answer))
    from = String(answer['end'])
  }
  assert.deepEqual(seen, ['one', 'two', 'three'])
  from = await position(bob)
  const waiting = bob.ok('GET', `events?from=${from}&timeout=30000`)
  await alice.send(room, 'four')
  assert.deepEqual(bodiesOf(await waiting), ['four'])
})

test('the event stream holds typing, receipts, tags and presence', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const event = await alice.send(room, 'hello')
  const from = await position(bob)
  const path = `rooms/${encodeURIComponent(room)}`
  await alice.ok('PUT', `${path}/typing/${alice.id}`, { typing: true, timeout: 30000 })
  await alice.ok('POST', `${path}/receipt/m.read/${encodeURIComponent(event)}`, {})
  await bob.ok('PUT', `user/${bob.id}/${path}/tags/work`, {})
  await alice.ok('PUT', `presence/${alice.id}/status`, { presence: 'unavailable', status_msg: 'at lunch' })
  const answer = await bob.ok('GET', `events?from=${from}&timeout=0`)
  const byType = new Map(eventsOf(answer).map((seen) => [seen.type, seen]))
  assert.deepEqual(byType.get('m.typing'), { type: 'm.typing', room_id: room, content: { user_ids: [alice.id] } })
  assert.equal(byType.get('m.receipt')?.['room_id'], room)
  assert.deepEqual(byType.get('m.tag')?.content, { tags: { work: {} } })
  assert.equal(byType.get('m.presence')?.content['status_msg'], 'at lunch')
})

test('initialSync gives rooms whole, invites with who invites, and departed rooms on request', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const left = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(left)
  await bob.leave(left)
  const invited = await alice.createRoom({ invite: [bob.id] })
  const room = await alice.createRoom({ preset: 'public_chat', name: 'Here' })
  await bob.join(room)
  const event = await alice.send(room, 'hello')
  const answer = await bob.ok('GET', 'initialSync?limit=5')
  assert.deepEqual(
    roomsOf(answer),
    new Map([
      [invited, 'invite'],
      [room, 'join'],
    ]),
  )
  assert.deepEqual(roomsOf(await bob.ok('GET', 'initialSync?archived=true')).get(left), 'leave')
  const one = await bob.ok('GET', `rooms/${encodeURIComponent(room)}/initialSync?limit=1`)
  const messages = one['messages'] as JsonObject
  assert.deepEqual(bodiesOf(messages), ['hello'])
  assert.ok((one['state'] as JsonObject[]).some(({ type }) => type === 'm.room.name'))
  assert.equal((await bob.ok('GET', `events/${encodeURIComponent(event)}`))['room_id'], room)
  await bob.refused(403, 'M_FORBIDDEN', 'GET', `rooms/${encodeURIComponent(invited)}/initialSync`)
})

test('somebody who is not in a world-readable room follows it by its id', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const closed = await alice.createRoom()
  const open = await alice.createRoom({
    initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } }],
  })
  const from = await position(bob)
  const waiting = bob.ok('GET', `events?from=${from}&timeout=30000&room_id=${encodeURIComponent(open)}`)
  await alice.send(open, 'for everybody')
  assert.deepEqual(bodiesOf(await waiting), ['for everybody'])
  await bob.refused(403, 'M_FORBIDDEN', 'GET', `events?room_id=${encodeURIComponent(closed)}`)
})
