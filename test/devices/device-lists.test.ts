/** https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'
import { anotherDevice, crossSigningKey, deviceKeys, passwordOf, seesDeviceChange, syncPart } from './support.ts'

const NONE = { changed: [], left: [] }

async function together(alice: TestUser, bob: TestUser): Promise<string> {
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  for (const user of [alice, bob]) await user.sync()
  return room
}

test('a new device, its keys, its name and its end are told to those who share a room, to their owner, and to nobody else', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, eve] = await hs.users('alice', 'bob', 'eve')
  assert.ok(alice && bob && eve)
  await together(alice, bob)
  await eve.sync()
  const tablet = await anotherDevice(hs, bob)
  for (const user of [alice, bob]) await seesDeviceChange(user, bob.id)
  await tablet.ok('POST', 'keys/upload', { device_keys: deviceKeys(tablet) })
  await seesDeviceChange(alice, bob.id)
  await tablet.ok('POST', 'keys/upload', { device_keys: deviceKeys(tablet) })
  assert.deepEqual(await syncPart(alice, 'device_lists'), NONE)
  await bob.ok('PUT', `devices/${tablet.deviceId}`, { display_name: 'tablet' })
  await seesDeviceChange(alice, bob.id)
  await tablet.ok('POST', 'logout', {})
  await seesDeviceChange(alice, bob.id)
  assert.deepEqual(await syncPart(eve, 'device_lists'), NONE)
})

test('a waiting client is woken by a change', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  await together(alice, bob)
  const waiting = seesDeviceChange(alice, bob.id)
  await bob.ok('POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  await waiting
})

test('who comes into a shared room has changed; who changes only their name has not', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  assert.ok(alice && bob && carol)
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const user of [alice, bob, carol]) await user.sync()
  await alice.invite(room, bob.id)
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [bob.id], left: [] })
  await bob.join(room)
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [bob.id], left: [] })
  assert.deepEqual(await syncPart(bob, 'device_lists'), { changed: [alice.id], left: [] })
  await bob.ok('PUT', `profile/${bob.id}/displayname`, { displayname: 'Robert' })
  assert.deepEqual(await syncPart(alice, 'device_lists'), NONE)
  await carol.join(room)
  assert.deepEqual(new Set((await syncPart(carol, 'device_lists')).changed), new Set([alice.id, bob.id]))
})

test('who leaves the last shared room is told as left, and as changed when they are back', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  const room = await together(alice, bob)
  const other = await together(alice, bob)
  await bob.leave(room)
  assert.deepEqual(await syncPart(alice, 'device_lists'), NONE)
  await bob.leave(other)
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [], left: [bob.id] })
  assert.deepEqual(await syncPart(bob, 'device_lists'), { changed: [], left: [alice.id] })
  await bob.join(room)
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [bob.id], left: [] })
  await bob.leave(room)
  await bob.join(room)
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [bob.id], left: [] })
})

test('who refuses an invite learns nothing of the people of the room', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  await bob.sync()
  const room = await alice.createRoom({ invite: [bob.id] })
  await bob.leave(room)
  assert.deepEqual(await syncPart(bob, 'device_lists'), NONE)
})

test('/keys/changes tells the same', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  assert.ok(alice && bob && carol)
  const room = await together(alice, bob)
  const { next_batch: from } = await alice.sync()
  await bob.ok('POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  await carol.join(room)
  const { next_batch: to } = await alice.sync()
  const { changed, left } = await alice.ok('GET', `keys/changes?from=${from}&to=${to}`)
  assert.deepEqual([new Set(changed as string[]), left], [new Set([bob.id, carol.id]), []])
  assert.deepEqual(await alice.ok('GET', `keys/changes?from=${to}&to=${to}`), NONE)
  await alice.leave(room)
  const gone = await alice.ok('GET', `keys/changes?from=${from}&to=${to}`)
  assert.deepEqual(new Set(gone['left'] as string[]), new Set([bob.id, carol.id]))
})

test('new cross-signing keys are told to those who share a room, a user-signing key to its owner only', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  assert.ok(alice && bob)
  await together(alice, bob)
  await alice.ok('POST', 'keys/device_signing/upload', { master_key: crossSigningKey(alice, 'master') })
  for (const user of [alice, bob]) await seesDeviceChange(user, alice.id)
  const identifier = { type: 'm.id.user', user: alice.id }
  const auth = { type: 'm.login.password', identifier, password: passwordOf(alice) }
  await alice.ok('POST', 'keys/device_signing/upload', { auth, user_signing_key: crossSigningKey(alice, 'user_signing') })
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [alice.id], left: [] })
  assert.deepEqual(await syncPart(bob, 'device_lists'), NONE)
})
