/** https://spec.matrix.org/v1.19/client-server-api/#invite-permission, and the rules of MSC4155. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { testFederation, testHomeserver } from '../../support/homeserver.ts'
import type { TestUser } from '../../support/user.ts'

const SLIDING = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'

const set = (user: TestUser, type: string, content: JsonObject) => user.ok('PUT', `user/${user.id}/account_data/${type}`, content)
const filter = (user: TestUser, content: JsonObject) => set(user, 'org.matrix.msc4155.invite_permission_config', content)

/** The rooms that a user is shown as invited to, wherever clients look for them. */
async function invites(user: TestUser): Promise<string[][]> {
  const sync = (await user.ok('GET', 'sync')) as { rooms?: { invite?: JsonObject } }
  const lists = { all: { ranges: [[0, 9]], required_state: [], timeline_limit: 1, filters: { is_invite: true } } }
  const sliding = (await user.ok('POST', SLIDING, { lists })) as { rooms: JsonObject }
  const { rooms } = (await user.ok('GET', 'initialSync')) as { rooms: { room_id: string; membership: string }[] }
  const initial = rooms.filter(({ membership }) => membership === 'invite').map(({ room_id: roomId }) => roomId)
  return [Object.keys(sync.rooms?.invite ?? {}), Object.keys(sliding.rooms), initial]
}

test('an invite that is ignored is there for all but its target, until it is welcome', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  await filter(bob, { ignored_users: [alice.id] })
  const roomId = await alice.createRoom({ invite: [bob.id] })
  const member = await alice.ok('GET', `rooms/${roomId}/state/m.room.member/${bob.id}`)
  assert.equal(member['membership'], 'invite')
  assert.deepEqual(await invites(bob), [[], [], []])
  const { chunk } = (await bob.ok('GET', 'events?from=s0&timeout=0')) as { chunk: { type: string }[] }
  assert.ok(!chunk.some(({ type }) => type === 'm.room.member'))
  await filter(bob, { enabled: false, ignored_users: [alice.id] })
  assert.deepEqual(await invites(bob), [[roomId], [roomId], [roomId]])
})

test('an invite that is blocked is refused, from here as well as from elsewhere', async () => {
  await using servers = await testFederation(2)
  const [here, there] = servers
  assert.ok(here && there)
  const [alice, carol] = (await here.users('alice', 'carol')) as [TestUser, TestUser]
  const bob = await there.user('bob')
  await filter(carol, { blocked_users: [alice.id], blocked_servers: [there.name] })
  await alice.refused(403, 'M_INVITE_BLOCKED', 'POST', 'createRoom', { invite: [carol.id] })
  for (const inviter of [alice, bob]) {
    const roomId = encodeURIComponent(await inviter.createRoom())
    await inviter.refused(403, 'M_INVITE_BLOCKED', 'POST', `rooms/${roomId}/invite`, { user_id: carol.id })
    const path = `rooms/${roomId}/state/m.room.member/${carol.id}`
    await inviter.refused(403, 'M_INVITE_BLOCKED', 'PUT', path, { membership: 'invite' })
  }
  await filter(carol, { allowed_users: [bob.id], blocked_servers: ['*'] })
  const roomId = await bob.createRoom({ invite: [carol.id] })
  await carol.syncUntil(({ rooms }) => rooms.invite[roomId])
})

test('who wants no invites is not shown those that were here before, but may knock', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  const roomId = await alice.createRoom({ invite: [bob.id] })
  const open = await alice.createRoom({ initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }] })
  await bob.ok('POST', `knock/${open}`, {})
  await set(bob, 'm.invite_permission_config', { default_action: 'block' })
  assert.deepEqual(await invites(bob), [[], [], []])
  const { rooms } = (await bob.ok('GET', 'initialSync')) as { rooms: { membership: string }[] }
  assert.deepEqual(
    rooms.map(({ membership }) => membership),
    ['knock'],
  )
  await set(bob, 'm.invite_permission_config', {})
  assert.deepEqual(await invites(bob), [[roomId], [roomId], [roomId]])
})
