/** https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ServerName, UserId } from '../../schemas/ids.ts'
import { openStorage } from '../../src/app/storage.ts'
import { DeviceLists } from '../../src/devices/device-lists.ts'
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
  await together(alice, bob)
  const waiting = seesDeviceChange(alice, bob.id)
  await bob.ok('POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  await waiting
})

test('who comes into a shared room has changed; who changes only their name has not', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
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
  await bob.sync()
  const room = await alice.createRoom({ invite: [bob.id] })
  await bob.leave(room)
  assert.deepEqual(await syncPart(bob, 'device_lists'), NONE)
})

test('/keys/changes tells the same', async () => {
  await using hs = await testHomeserver()
  const [alice, bob, carol] = await hs.users('alice', 'bob', 'carol')
  const room = await together(alice, bob)
  const { next_batch: from } = await alice.sync()
  await bob.ok('POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  await carol.join(room)
  const { next_batch: to } = await alice.sync()
  const { changed, left } = await alice.ok('GET', `keys/changes?from=${from}&to=${to}`)
  assert.deepEqual([new Set(changed as string[]), left], [new Set([bob.id, carol.id]), []])
  assert.deepEqual(await alice.ok('GET', `keys/changes?from=${to}&to=${to}`), NONE)
  await alice.leave(room)
  const { next_batch: end } = await alice.sync()
  assert.deepEqual((await alice.ok('GET', `keys/changes?from=${from}&to=${to}`))['left'], [], 'that was later')
  await alice.refused(400, 'M_INVALID_PARAM', 'GET', `keys/changes?from=${from}&to=nowhere`)
  const gone = await alice.ok('GET', `keys/changes?from=${from}&to=${end}`)
  assert.deepEqual(new Set(gone['left'] as string[]), new Set([bob.id, carol.id]))
})

test('new cross-signing keys are told to those who share a room, a user-signing key to its owner only', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await together(alice, bob)
  await alice.ok('POST', 'keys/device_signing/upload', { master_key: crossSigningKey(alice, 'master') })
  for (const user of [alice, bob]) await seesDeviceChange(user, alice.id)
  const identifier = { type: 'm.id.user', user: alice.id }
  const auth = { type: 'm.login.password', identifier, password: passwordOf(alice) }
  await alice.ok('POST', 'keys/device_signing/upload', { auth, user_signing_key: crossSigningKey(alice, 'user_signing') })
  assert.deepEqual(await syncPart(alice, 'device_lists'), { changed: [alice.id], left: [] })
  assert.deepEqual(await syncPart(bob, 'device_lists'), NONE)
})

test('a membership that is taken back is noted for those of ours whom it parts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true }))
  const storage = openStorage(join(folder, 'test.db'), 'OFF')
  stack.use(storage.db)
  assert.ok(new DeviceLists({ ...storage, serverName: 'here.test' as ServerName }))
  const ids = ['@alice:here.test', '@bob:elsewhere.test', '@carol:here.test'] as UserId[]
  const resolved = await storage.names.resolve(ids)
  const users: { nid: number; userId: UserId }[] = []
  const room = 1
  await storage.db.write((batch) => {
    for (const userId of ids) users.push({ nid: resolved.nid(batch, userId), userId })
    for (const { nid, userId } of users) {
      const account = { userNid: nid, kind: 'user' as const, passwordHash: null, isAdmin: false, createdTs: 0 }
      if (userId.endsWith(':here.test')) storage.accounts.add(batch, account)
    }
    for (const user of users) storage.memberships.set(batch, room, user, 'join', 1)
  })
  const [alice, bob, carol] = users
  assert.ok(alice && bob && carol)
  const told = async (since: number) =>
    Promise.all(users.map(async ({ nid }) => storage.deviceListTable.partedSince(nid, since, Number.MAX_SAFE_INTEGER)))
  const before = storage.db.position
  await storage.db.write((batch) => storage.memberships.remove(batch, room, bob))
  assert.deepEqual(await told(before), [[bob.nid], [], [bob.nid]])
  const between = storage.db.position
  await storage.db.write((batch) => storage.memberships.remove(batch, room, carol))
  assert.deepEqual(await told(between), [[carol.nid], [], [alice.nid]])
})
