/** Rooms that users of several servers share: everything here goes through real servers and real HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { federatedUsers, heard } from '../support/federated-users.ts'

const VERSIONS = ['1', '5', '10', '11', '12']

for (const version of VERSIONS) {
  test(`users of two servers talk in a room of version ${version}`, async () => {
    await using hs = await federatedUsers()
    const { alice, bob } = hs
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version })
    await alice.send(roomId, 'before')
    await bob.join(roomId, 'hs1.test')
    await bob.send(roomId, 'from bob')
    await heard(alice, roomId, 'from bob')
    await alice.send(roomId, 'from alice')
    await heard(bob, roomId, 'from alice')
    const members = await bob.ok('GET', `rooms/${encodeURIComponent(roomId)}/joined_members`)
    assert.deepEqual(Object.keys(members['joined'] ?? {}).sort(), [alice.id, bob.id])
  })
}

test('aliases, profiles and published rooms of another server can be asked for', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'den', visibility: 'public', name: 'The den' })
  await alice.ok('PUT', `profile/${alice.id}/displayname`, { displayname: 'Alice' })
  assert.equal((await bob.ok('GET', `profile/${alice.id}/displayname`))['displayname'], 'Alice')
  const directory = await bob.ok('GET', `directory/room/${encodeURIComponent('#den:hs1.test')}`)
  assert.equal(directory['room_id'], roomId)
  const { chunk } = await bob.ok('GET', 'publicRooms?server=hs1.test')
  assert.match(JSON.stringify(chunk), /The den/)
  await bob.join('#den:hs1.test')
  await bob.refused(404, 'M_NOT_FOUND', 'GET', `directory/room/${encodeURIComponent('#nothing:hs1.test')}`)
})

test('history from before the join is fetched when it is read', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  for (const body of ['one', 'two', 'three']) await alice.send(roomId, body)
  await bob.join(roomId, 'hs1.test')
  assert.deepEqual(await bob.messages(roomId), ['one', 'two', 'three'])
})

test('three servers see the same, whoever let them in', async () => {
  await using hs = await federatedUsers(3)
  const { alice, bob, carol } = hs
  assert.ok(carol)
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId, 'hs1.test')
  await carol.join(roomId, 'hs2.test')
  await carol.send(roomId, 'hello all')
  await heard(alice, roomId, 'hello all')
  await heard(bob, roomId, 'hello all')
  await alice.send(roomId, 'hello carol')
  await heard(carol, roomId, 'hello carol')
})

test('what is sent on both sides at once ends in the same room on both', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat', power_level_content_override: { state_default: 0 } })
  await bob.join(roomId, 'hs1.test')
  const bodies = ['1', '2', '3', '4', '5']
  await Promise.all(bodies.flatMap((body) => [alice.send(roomId, `a${body}`), bob.send(roomId, `b${body}`)]))
  await Promise.all([
    alice.setState(roomId, 'm.room.topic', { topic: 'from alice' }),
    bob.setState(roomId, 'm.room.topic', { topic: 'from bob' }),
  ])
  await alice.send(roomId, 'last of alice')
  await bob.send(roomId, 'last of bob')
  await heard(alice, roomId, 'last of bob')
  await heard(bob, roomId, 'last of alice')
  const topics = await Promise.all(
    [alice, bob].map((user) => user.ok('GET', `rooms/${encodeURIComponent(roomId)}/state/m.room.topic`)),
  )
  assert.deepEqual(topics[0], topics[1])
  const [atAlice, atBob] = [await alice.messages(roomId), await bob.messages(roomId)]
  assert.deepEqual(atAlice.toSorted(), atBob.toSorted())
  assert.equal(atAlice.length, 12)
})

test('typing and receipts reach the other server', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId, 'hs1.test')
  const eventId = await bob.send(roomId, 'read me')
  await heard(alice, roomId, 'read me')
  await bob.sync()
  const room = `rooms/${encodeURIComponent(roomId)}`
  await alice.ok('PUT', `${room}/typing/${alice.id}`, { typing: true, timeout: 30_000 })
  await alice.ok('POST', `${room}/receipt/m.read/${encodeURIComponent(eventId)}`, {})
  const seen = new Set<string>()
  await bob.syncUntil(({ rooms }) => {
    for (const { type, content } of rooms.join[roomId]?.ephemeral.events ?? [])
      if (JSON.stringify(content).includes(alice.id)) seen.add(type)
    return seen.size === 2 ? true : undefined
  })
  assert.deepEqual([...seen].sort(), ['m.receipt', 'm.typing'])
})

test('a server that was away gets what it has missed', async () => {
  await using hs = await federatedUsers()
  const { alice, bob, second } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId, 'hs1.test')
  await bob.send(roomId, 'soon back')
  await heard(alice, roomId, 'soon back')
  const restarted = second.restart()
  await alice.send(roomId, 'while you were away')
  await restarted
  await heard(bob, roomId, 'while you were away')
})

test('a banned server is not listened to', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId, 'hs1.test')
  await bob.send(roomId, 'before')
  await heard(alice, roomId, 'before')
  await alice.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: ['hs2.test'] })
  const other = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(other, 'hs1.test')
  await bob.send(roomId, 'denied')
  await bob.send(other, 'elsewhere')
  await heard(alice, other, 'elsewhere')
  assert.deepEqual(await alice.messages(roomId), ['before'])
  await bob.leave(other)
})

test('the event near a time is found at the other server, and history up to it is fetched', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  const eventId = await alice.send(roomId, 'long ago')
  for (let i = 0; i < 30; i++) await alice.send(roomId, `later ${i}`)
  await alice.setState(roomId, 'm.room.history_visibility', { history_visibility: 'joined' })
  const hidden = await alice.send(roomId, 'not for bob')
  await bob.join(roomId, 'hs1.test')
  const room = `rooms/${encodeURIComponent(roomId)}`
  const nearest = async (to: string) => {
    const { origin_server_ts: time } = await alice.ok('GET', `${room}/event/${encodeURIComponent(to)}`)
    return (await bob.ok('GET', `/_matrix/client/v1/${room}/timestamp_to_event?ts=${time}&dir=f`))['event_id']
  }
  assert.notEqual(await nearest(hidden), hidden)
  assert.equal(await nearest(eventId), eventId)
  await bob.ok('GET', `${room}/context/${encodeURIComponent(eventId)}`)
})
