import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { testFederation, testHomeserver } from '../support/homeserver.ts'
import type { SeenEvent, SeenSync, TestUser } from '../support/user.ts'

/** The account is closed, and what its user sent is not for those who come later. */
async function erase(user: TestUser, localpart: string): Promise<void> {
  const auth = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: localpart },
    password: `${localpart}'s password`,
  }
  await user.ok('POST', 'account/deactivate', { erase: true, auth })
}

/** The content of an event as a user gets it: by itself, in the history, and in the first sync. */
async function contents(user: TestUser, roomId: string, eventId: string): Promise<JsonObject[]> {
  const path = `rooms/${encodeURIComponent(roomId)}`
  const { content } = (await user.ok('GET', `${path}/event/${encodeURIComponent(eventId)}`)) as SeenEvent
  const { chunk } = await user.ok('GET', `${path}/messages?dir=b&limit=100`)
  const { rooms } = (await user.ok('GET', 'sync')) as unknown as SeenSync
  const lists = [(chunk ?? []) as unknown as SeenEvent[], rooms.join[roomId]?.timeline.events ?? []]
  return [content, ...lists.map((events) => events.find(({ event_id: id }) => id === eventId)?.content ?? assert.fail())]
}

test('of a user who had everything erased, those who join later get redacted copies', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol, dave] = await hs.users('alice', 'bob', 'carol', 'dave')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'The den' })
  await bob.join(roomId)
  const eventId = await alice.send(roomId, 'my life')
  const whole = { msgtype: 'm.text', body: 'my life' }
  await carol.join(roomId)
  await erase(alice, 'alice')
  await dave.join(roomId)
  // Users which had visibility on those events prior to the erasure are still able to see unredacted copies.
  for (const user of [bob, carol]) assert.deepEqual(await contents(user, roomId, eventId), [whole, whole, whole])
  assert.deepEqual(await contents(dave, roomId, eventId), [{}, {}, {}])
  const state = `rooms/${encodeURIComponent(roomId)}/state`
  assert.deepEqual(await dave.ok('GET', `${state}/m.room.name`), { name: 'The den' })
  await hs.restart()
  assert.deepEqual(await contents(dave, roomId, eventId), [{}, {}, {}])
  assert.deepEqual((await contents(bob, roomId, eventId))[0], whole)
})

test('who left before an erasure and comes back sees what they saw when they were there', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const seen = await alice.send(roomId, 'seen')
  await bob.leave(roomId)
  const unseen = await alice.send(roomId, 'unseen')
  await erase(alice, 'alice')
  await bob.join(roomId)
  assert.deepEqual((await contents(bob, roomId, seen))[0], { msgtype: 'm.text', body: 'seen' })
  assert.deepEqual(await contents(bob, roomId, unseen), [{}, {}, {}])
})

test('the old name of an erased user is not told with the event that took its place', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  const roomId = await bob.createRoom({ preset: 'public_chat' })
  await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice in full' })
  await alice.join(roomId)
  await erase(alice, 'alice')
  await carol.join(roomId)
  const { chunk } = await carol.ok('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`)
  assert.doesNotMatch(JSON.stringify(chunk), /Alice in full/)
  assert.match(
    JSON.stringify(await bob.ok('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`)),
    /Alice in full/,
  )
})

test('servers that come later get redacted copies, too', async () => {
  await using servers = await testFederation(3)
  const [first, second, third] = servers
  assert.ok(first && second && third)
  const [alice, warden] = await first.users('alice', 'warden')
  const [bob, carol] = [await second.user('bob'), await third.user('carol')]
  assert.ok(alice && warden)
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await warden.join(roomId)
  await bob.join(roomId, first.name)
  const eventId = await alice.send(roomId, 'my life')
  await bob.syncUntil(({ rooms }) => rooms.join[roomId]?.timeline.events.find(({ event_id: id }) => id === eventId))
  await erase(alice, 'alice')
  await carol.join(roomId, first.name)
  assert.deepEqual(await bob.messages(roomId), ['my life'])
  assert.deepEqual(await carol.messages(roomId), [])
})
