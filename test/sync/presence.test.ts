/** https://spec.matrix.org/v1.19/client-server-api/#presence */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { testFederation, testHomeserver } from '../support/homeserver.ts'
import type { SeenSync } from '../support/user.ts'

interface Seen extends JsonObject {
  sender: string
  content: JsonObject
}

const presenceIn = (sync: SeenSync, userId: string): JsonObject | undefined => {
  const { presence } = sync as unknown as { presence?: { events: Seen[] } }
  return presence?.events.find(({ sender }) => sender === userId)?.content
}

test('presence goes to those who share a room, and to nobody else', async () => {
  await using server = await testHomeserver()
  const [alice, bob, carol] = await server.users('alice', 'bob', 'carol')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await bob.sync()
  await carol.sync()
  await alice.ok('PUT', `presence/${alice.id}/status`, { presence: 'online', status_msg: 'here' })
  const seen = await bob.syncUntil((sync) => presenceIn(sync, alice.id))
  assert.equal(seen['presence'], 'online')
  assert.equal(seen['status_msg'], 'here')
  assert.equal(seen['currently_active'], true)
  assert.equal(presenceIn(await carol.sync(), alice.id), undefined)
  assert.equal((await bob.ok('GET', `presence/${alice.id}/status`))['presence'], 'online')
  await carol.refused(403, 'M_FORBIDDEN', 'GET', `presence/${alice.id}/status`)
  await bob.refused(403, 'M_FORBIDDEN', 'PUT', `presence/${alice.id}/status`, { presence: 'offline' })
})

test('a sync makes its user online, unless it says otherwise', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await alice.sync()
  await bob.sync({ set_presence: 'offline' })
  assert.equal(presenceIn(await alice.sync(), bob.id), undefined)
  await bob.sync({ set_presence: 'unavailable' })
  assert.equal((await alice.syncUntil((sync) => presenceIn(sync, bob.id)))['presence'], 'unavailable')
  await bob.sync()
  assert.equal((await alice.syncUntil((sync) => presenceIn(sync, bob.id)))['presence'], 'online')
})

test('who does something is online, even if their client says that they are away; who is offline stays so', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  assert.ok(alice && bob)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await alice.sync()
  const bobIs = async () => (await alice.ok('GET', `presence/${bob.id}/status`))['presence']
  const message = await bob.send(room, 'from nowhere')
  assert.equal(await bobIs(), 'offline')
  for (const act of [
    () => bob.send(room, 'here I am'),
    () => bob.ok('PUT', `rooms/${room}/typing/${bob.id}`, { typing: true, timeout: 1_000 }),
    () => bob.ok('POST', `rooms/${room}/receipt/m.read/${message}`, {}),
    () => bob.ok('POST', `rooms/${room}/read_markers`, { 'm.fully_read': message }),
  ]) {
    await bob.ok('PUT', `presence/${bob.id}/status`, { presence: 'unavailable', status_msg: 'lunch' })
    await alice.syncUntil((sync) => presenceIn(sync, bob.id)?.['presence'] === 'unavailable' || undefined)
    await act()
    const seen: JsonObject = await alice.syncUntil((sync) => presenceIn(sync, bob.id))
    assert.deepEqual([seen['presence'], seen['status_msg']], ['online', 'lunch'])
    await bob.sync({ set_presence: 'unavailable' })
    assert.equal(await bobIs(), 'online')
  }
  await bob.ok('PUT', `presence/${bob.id}/status`, { presence: 'offline' })
  await bob.send(room, 'gone')
  assert.equal(await bobIs(), 'offline')
})

test('presence comes with the current name and avatar of users of this server, and again when these change', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  assert.ok(alice && bob)
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await bob.ok('PUT', `profile/${bob.id}/displayname`, { displayname: 'Bob' })
  await alice.sync()
  await bob.sync()
  const seen = await alice.syncUntil((sync) => presenceIn(sync, bob.id))
  assert.deepEqual([seen['displayname'], 'avatar_url' in seen], ['Bob', false])
  await bob.ok('PUT', `profile/${bob.id}/avatar_url`, { avatar_url: 'mxc://test.example/bob' })
  const again = await alice.syncUntil((sync) => presenceIn(sync, bob.id))
  assert.deepEqual([again['displayname'], again['avatar_url'], again['presence']], ['Bob', 'mxc://test.example/bob', 'online'])
})

test('who comes into a room sees who is there, and is seen', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await alice.sync()
  await bob.sync()
  await bob.join(room)
  await bob.syncUntil((sync) => presenceIn(sync, alice.id))
  await alice.syncUntil((sync) => presenceIn(sync, bob.id))
})

test('presence goes to other servers', async () => {
  await using servers = await testFederation(2)
  const [one, two] = servers
  assert.ok(one && two)
  const [alice, bob] = [await one.user('alice'), await two.user('bob')]
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room, one.name)
  await bob.sync()
  await alice.ok('PUT', `presence/${alice.id}/status`, { presence: 'unavailable', status_msg: 'away' })
  await bob.syncUntil((sync) => (presenceIn(sync, alice.id)?.['status_msg'] === 'away' ? true : undefined))
})

test('who has never been seen is offline to those who come to share a room with them', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  const unseen = { set_presence: 'offline' }
  await alice.sync(unseen)
  await bob.sync(unseen)
  await bob.join(room)
  const [ofAlice, ofBob] = [presenceIn(await bob.sync(unseen), alice.id), presenceIn(await alice.sync(unseen), bob.id)]
  assert.deepEqual([ofAlice?.['presence'], ofBob?.['presence']], ['offline', 'offline'])
  assert.equal(presenceIn(await bob.sync(unseen), alice.id), undefined)
})
