/** Rooms that users of several servers share: everything here goes through real servers and real HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testFederation } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'

const VERSIONS = ['1', '5', '10', '11', '12']

async function setUp(count = 2) {
  const servers = await testFederation(count)
  const [first, second, third] = servers
  assert.ok(first && second)
  const [alice, bob] = [await first.user('alice'), await second.user('bob')]
  const carol = third && (await third.user('carol'))
  return { servers, first, second, alice, bob, carol, [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose]() }
}

/** Waits until a text message is in the user's sync. */
function heard(user: TestUser, roomId: string, body: string): Promise<true> {
  return user.syncUntil(({ rooms }) => {
    const found = rooms.join[roomId]?.timeline.events.some(({ content }) => content['body'] === body)
    return found === true ? true : undefined
  })
}

for (const version of VERSIONS) {
  test(`users of two servers talk in a room of version ${version}`, async () => {
    await using hs = await setUp()
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

test('an invite from another server is seen, and can be taken', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat', name: 'The den' })
  await alice.invite(roomId, bob.id)
  const state = await bob.syncUntil(({ rooms }) => rooms.invite[roomId]?.invite_state.events)
  assert.ok(state.some(({ type, content }) => type === 'm.room.name' && JSON.stringify(content) === '{"name":"The den"}'))
  await bob.join(roomId)
  await bob.send(roomId, 'thanks')
  await heard(alice, roomId, 'thanks')
})

test('an invite from another server can be rejected', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await alice.invite(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.invite[roomId])
  await alice.sync()
  await bob.leave(roomId)
  await bob.syncUntil(({ rooms }) => rooms.leave[roomId])
  await alice.syncUntil(({ rooms }) =>
    rooms.join[roomId]?.timeline.events.find(({ sender, content }) => sender === bob.id && content['membership'] === 'leave'),
  )
})

test('an invite that is taken back disappears at the invited user', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await alice.invite(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.invite[roomId])
  await alice.kick(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.leave[roomId])
})

test('a user who has left comes back to the room as it is now', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId, 'hs1.test')
  await alice.syncUntil(({ rooms }) => rooms.join[roomId]?.timeline.events.find(({ sender }) => sender === bob.id))
  await bob.leave(roomId)
  await alice.syncUntil(({ rooms }) =>
    rooms.join[roomId]?.timeline.events.find(({ sender, content }) => sender === bob.id && content['membership'] === 'leave'),
  )
  await alice.setState(roomId, 'm.room.topic', { topic: 'News' })
  await bob.join(roomId, 'hs1.test')
  const topic = await bob.ok('GET', `rooms/${encodeURIComponent(roomId)}/state/m.room.topic`)
  assert.equal(topic['topic'], 'News')
  await bob.send(roomId, 'back again')
  await heard(alice, roomId, 'back again')
})

test('a refused join is told as the other server says it', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await bob.refused(403, 'M_FORBIDDEN', 'POST', `join/${encodeURIComponent(roomId)}?server_name=hs1.test`, {})
})

test('members of an allowed room get into a restricted one', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const space = await alice.createRoom({ preset: 'public_chat' })
  const allow = [{ type: 'm.room_membership', room_id: space }]
  const joinRules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'restricted', allow } }
  const roomId = await alice.createRoom({ preset: 'private_chat', initial_state: [joinRules] })
  const join = `join/${encodeURIComponent(roomId)}?server_name=hs1.test`
  await bob.refused(403, 'M_FORBIDDEN', 'POST', join, {})
  await bob.join(space, 'hs1.test')
  await bob.ok('POST', join, {})
  await bob.send(roomId, 'let in')
  await heard(alice, roomId, 'let in')
})

test('a knock from another server is answered with an invite', async () => {
  await using hs = await setUp()
  const { alice, bob } = hs
  const joinRules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
  const roomId = await alice.createRoom({ preset: 'private_chat', initial_state: [joinRules] })
  await alice.sync()
  await bob.ok('POST', `knock/${encodeURIComponent(roomId)}?server_name=hs1.test`, {})
  await bob.syncUntil(({ rooms }) => rooms.knock[roomId])
  await alice.syncUntil(({ rooms }) =>
    rooms.join[roomId]?.timeline.events.find(({ content }) => content['membership'] === 'knock'),
  )
  await alice.invite(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.invite[roomId])
  await bob.join(roomId)
  await bob.send(roomId, 'in')
  await heard(alice, roomId, 'in')
})

test('aliases, profiles and published rooms of another server can be asked for', async () => {
  await using hs = await setUp()
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
  await using hs = await setUp()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  for (const body of ['one', 'two', 'three']) await alice.send(roomId, body)
  await bob.join(roomId, 'hs1.test')
  assert.deepEqual(await bob.messages(roomId), ['one', 'two', 'three'])
})

test('three servers see the same, whoever let them in', async () => {
  await using hs = await setUp(3)
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
