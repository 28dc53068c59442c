import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testFederation } from '../support/homeserver.ts'
import { call, TestUser } from '../support/user.ts'

test('guests have to leave a room that a user of another server closes to them', async () => {
  await using servers = await testFederation(2)
  const [first, second] = servers
  assert.ok(first && second)
  const [alice, bob] = [await first.user('alice'), await second.user('bob')]
  const { body } = await call(first, 'POST', 'register?kind=guest', {})
  const guest = new TestUser(first, String(body['user_id']), String(body['access_token']), String(body['device_id']))
  const roomId = await alice.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }],
    power_level_content_override: { users: { [alice.id]: 100, [bob.id]: 100 } },
    room_version: '11',
  })
  await bob.join(roomId, first.name)
  await guest.join(roomId)
  await bob.setState(roomId, 'm.room.topic', { topic: 'Guests may stay' })
  await alice.syncUntil(({ rooms }) => rooms.join[roomId]?.timeline.events.find(({ type }) => type === 'm.room.topic'))
  const members = await alice.ok('GET', `rooms/${encodeURIComponent(roomId)}/joined_members`)
  assert.deepEqual(Object.keys(members['joined'] ?? {}).sort(), [alice.id, bob.id, guest.id].sort())

  await bob.setState(roomId, 'm.room.guest_access', { guest_access: 'forbidden' })
  const left = await bob.syncUntil(({ rooms }) =>
    rooms.join[roomId]?.timeline.events.find(({ content }) => content['membership'] === 'leave'),
  )
  assert.deepEqual([left['state_key'], left.sender], [guest.id, guest.id])
})
