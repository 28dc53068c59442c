/** How users of one server get into rooms of another, and out of them: through real servers and real HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { federatedUsers, heard } from '../support/federated-users.ts'
import { testFederation } from '../support/homeserver.ts'
import type { SeenEvent, TestUser } from '../support/user.ts'

test('an invite from another server is seen, and can be taken', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat', name: 'The den' })
  await alice.invite(roomId, bob.id)
  const state = await bob.syncUntil(({ rooms }) => rooms.invite[roomId]?.invite_state.events)
  assert.ok(state.some(({ type, content }) => type === 'm.room.name' && JSON.stringify(content) === '{"name":"The den"}'))
  await bob.join(roomId)
  await bob.send(roomId, 'thanks')
  await heard(alice, roomId, 'thanks')
})

test('an invite from another server does not reach whoever wants none', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const config = (content: object) => bob.ok('PUT', `user/${bob.id}/account_data/m.invite_permission_config`, content)
  await config({ default_action: 'block' })
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  const invite = `rooms/${encodeURIComponent(roomId)}/invite`
  await alice.refused(403, 'M_INVITE_BLOCKED', 'POST', invite, { user_id: bob.id })
  await alice.refused(403, 'M_INVITE_BLOCKED', 'POST', 'createRoom', { invite: [bob.id] })
  assert.deepEqual((await bob.sync()).rooms.invite, {})
  await alice.refused(404, 'M_NOT_FOUND', 'GET', `rooms/${encodeURIComponent(roomId)}/state/m.room.member/${bob.id}`)
  await config({ default_action: 'allow' })
  await alice.invite(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.invite[roomId])
})

test('an invite from another server can be rejected', async () => {
  await using hs = await federatedUsers()
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
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await alice.invite(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.invite[roomId])
  await alice.kick(roomId, bob.id)
  await bob.syncUntil(({ rooms }) => rooms.leave[roomId])
})

test('a user who has left comes back to the room as it is now', async () => {
  await using hs = await federatedUsers()
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
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  await bob.refused(403, 'M_FORBIDDEN', 'POST', `join/${encodeURIComponent(roomId)}?server_name=hs1.test`, {})
})

const joinRules = (content: JsonObject) => ({ type: 'm.room.join_rules', state_key: '', content })

/** A room into which members of a space may come. */
async function restrictedRoom(owner: TestUser, options: JsonObject = {}) {
  const space = await owner.createRoom({ preset: 'public_chat' })
  const allow = [{ type: 'm.room_membership', room_id: space }]
  const rules = joinRules({ join_rule: 'restricted', allow })
  return { space, roomId: await owner.createRoom({ preset: 'private_chat', initial_state: [rules], ...options }) }
}

/** A room on which a user of another server has knocked, as its owner does not know yet. */
async function knockedRoom(owner: TestUser, knocker: TestUser): Promise<string> {
  const roomId = await owner.createRoom({ preset: 'private_chat', initial_state: [joinRules({ join_rule: 'knock' })] })
  await owner.sync()
  await knocker.ok('POST', `knock/${encodeURIComponent(roomId)}?server_name=hs1.test`, {})
  return roomId
}

test('members of an allowed room get into a restricted one', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const { space, roomId } = await restrictedRoom(alice)
  const join = `join/${encodeURIComponent(roomId)}?server_name=hs1.test`
  await bob.refused(403, 'M_FORBIDDEN', 'POST', join, {})
  await bob.join(space, 'hs1.test')
  await bob.ok('POST', join, {})
  await bob.send(roomId, 'let in')
  await heard(alice, roomId, 'let in')
})

test('a knock from another server is answered with an invite', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await knockedRoom(alice, bob)
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

test('where none of our users may let somebody in, another server is asked', async () => {
  await using hs = await federatedUsers()
  const { alice, bob, second } = hs
  const dora = await second.user('dora')
  const { space, roomId } = await restrictedRoom(alice, { power_level_content_override: { invite: 50 } })
  for (const user of [bob, dora]) await user.join(space, 'hs1.test')
  await bob.join(roomId, 'hs1.test')
  await dora.ok('POST', `join/${encodeURIComponent(roomId)}`, {})
  const member = await bob.ok('GET', `rooms/${encodeURIComponent(roomId)}/state/m.room.member/${dora.id}`)
  assert.equal(member['join_authorised_via_users_server'], alice.id)
  await dora.send(roomId, 'through alice')
  await heard(alice, roomId, 'through alice')
})

test('a knock can be taken back', async () => {
  await using hs = await federatedUsers()
  const { alice, bob } = hs
  const roomId = await knockedRoom(alice, bob)
  await bob.leave(roomId)
  await alice.syncUntil(({ rooms }) =>
    rooms.join[roomId]?.timeline.events.find(({ sender, content }) => sender === bob.id && content['membership'] === 'leave'),
  )
})

test('a new room is there, and its client told so, when an invite of it cannot be delivered', async () => {
  await using servers = await testFederation(1)
  const [first] = servers
  assert.ok(first)
  const alice = await first.user('alice')
  const roomId = await alice.createRoom({ invite: ['@bob:127.0.0.1:1', `@carol:${first.name}`] })
  const { chunk } = await alice.ok('GET', `rooms/${encodeURIComponent(roomId)}/members`)
  const members = (chunk as SeenEvent[]).map(({ state_key: user, content }) => [user, content['membership']])
  assert.deepEqual(members, [
    [alice.id, 'join'],
    [`@carol:${first.name}`, 'invite'],
  ])
  await alice.refused(502, 'M_UNKNOWN', 'POST', `rooms/${encodeURIComponent(roomId)}/invite`, { user_id: '@bob:127.0.0.1:1' })
})
