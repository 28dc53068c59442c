/** https://spec.matrix.org/v1.19/server-server-api/#device-management, #end-to-end-encryption and #send-to-device-messaging */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signJson } from '../../src/protocol/signing.ts'
import { type TestHomeserver, testFederation } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'
import {
  anotherDevice,
  crossSigningKey,
  deviceKeys,
  type DeviceSync,
  oneTimeKeys,
  seesDeviceChange,
  signerOf,
} from './support.ts'

async function twoServers(servers: readonly TestHomeserver[]): Promise<[TestHomeserver, TestHomeserver, TestUser, TestUser]> {
  const [one, two] = servers
  assert.ok(one && two)
  return [one, two, await one.user('alice'), await two.user('bob')]
}

async function share(alice: TestUser, bob: TestUser, server: TestHomeserver): Promise<string> {
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room, server.name)
  await alice.syncUntil(
    ({ rooms }) => rooms.join[room]?.timeline.events.some((event) => event['state_key'] === bob.id) || undefined,
  )
  return room
}

async function devicesSeen(by: TestUser, of: TestUser): Promise<Record<string, unknown>> {
  const { device_keys } = await by.ok('POST', 'keys/query', { device_keys: { [of.id]: [] } })
  return (device_keys as Record<string, Record<string, unknown>>)[of.id] ?? {}
}

test('keys of users of another server are queried and claimed without a shared room', async () => {
  await using servers = await testFederation(2)
  const [, , alice, bob] = await twoServers(servers)
  const keys = deviceKeys(bob)
  await bob.ok('POST', 'keys/upload', { device_keys: keys, one_time_keys: oneTimeKeys('A') })
  await bob.ok('POST', 'keys/device_signing/upload', { master_key: crossSigningKey(bob, 'master') })
  const answer = await alice.ok('POST', 'keys/query', { device_keys: { [bob.id]: [] } })
  assert.deepEqual(answer['device_keys'], { [bob.id]: { [bob.deviceId]: { ...keys, unsigned: {} } } })
  assert.deepEqual(answer['master_keys'], { [bob.id]: crossSigningKey(bob, 'master') })
  const wanted = { one_time_keys: { [bob.id]: { [bob.deviceId]: 'signed_curve25519' } } }
  const claimed = { [bob.id]: { [bob.deviceId]: oneTimeKeys('A') } }
  assert.deepEqual(await alice.ok('POST', 'keys/claim', wanted), { failures: {}, one_time_keys: claimed })
  assert.deepEqual(await alice.ok('POST', 'keys/claim', wanted), { failures: {}, one_time_keys: {} })
})

test('changes of devices and keys come to the servers that share a room', async () => {
  await using servers = await testFederation(2)
  const [one, two, alice, bob] = await twoServers(servers)
  await bob.ok('POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  await share(alice, bob, one)
  assert.deepEqual(Object.keys(await devicesSeen(alice, bob)), [bob.deviceId])
  const tablet = await anotherDevice(two, bob)
  await tablet.ok('POST', 'keys/upload', { device_keys: deviceKeys(tablet) })
  await until(alice, bob, (devices) => tablet.deviceId in devices)
  await bob.ok('POST', 'keys/device_signing/upload', {
    master_key: crossSigningKey(bob, 'master'),
    self_signing_key: crossSigningKey(bob, 'self_signing'),
  })
  const signed = signJson(deviceKeys(tablet), bob.id, signerOf(bob.id, 'self_signing'))
  await bob.ok('POST', 'keys/signatures/upload', { [bob.id]: { [tablet.deviceId]: signed } })
  await until(alice, bob, (devices) => JSON.stringify(devices[tablet.deviceId]).includes(signerOf(bob.id, 'self_signing').keyId))
  const { self_signing_keys } = await alice.ok('POST', 'keys/query', { device_keys: { [bob.id]: [] } })
  assert.deepEqual(self_signing_keys, { [bob.id]: crossSigningKey(bob, 'self_signing') })
  await tablet.ok('POST', 'logout', {})
  await until(alice, bob, (devices) => !(tablet.deviceId in devices))
})

test('what changed while no room was shared is asked for when one is again', async () => {
  await using servers = await testFederation(2)
  const [one, , alice, bob] = await twoServers(servers)
  const room = await share(alice, bob, one)
  assert.deepEqual(await devicesSeen(alice, bob), {})
  await bob.leave(room)
  await seesDeviceChange(alice, bob.id, 'left')
  await bob.ok('POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  await bob.join(room, one.name)
  await until(alice, bob, (devices) => bob.deviceId in devices)
})

test('who comes back into a room is not told of devices as they were before', async () => {
  await using servers = await testFederation(2)
  const [one, , alice, bob] = await twoServers(servers)
  const room = await share(alice, bob, one)
  await alice.ok('POST', 'keys/upload', { device_keys: deviceKeys(alice) })
  await until(bob, alice, (devices) => alice.deviceId in devices)
  for (let visit = 0; visit < 3; visit++) {
    await bob.leave(room)
    await seesDeviceChange(alice, bob.id, 'left')
    const device = await anotherDevice(one, alice)
    await device.ok('POST', 'keys/upload', { device_keys: deviceKeys(device) })
    await bob.join(room, one.name)
    // At once, and not only after a while.
    assert.ok(device.deviceId in (await devicesSeen(bob, alice)))
  }
})

test('messages to devices get to other servers once and in order', async () => {
  await using servers = await testFederation(2)
  const [, , alice, bob] = await twoServers(servers)
  const contents = Array.from({ length: 20 }, (_, n) => ({ n }))
  for (const content of contents)
    await alice.ok('PUT', `sendToDevice/my.type/${content.n}`, {
      messages: { [bob.id]: { [content.n % 2 ? '*' : bob.deviceId]: content } },
    })
  const seen: unknown[] = []
  await bob.syncUntil((sync) => {
    seen.push(...(sync as DeviceSync).to_device.events.map(({ content }) => content))
    return seen.length >= contents.length || undefined
  })
  assert.deepEqual(seen, contents)
})

/** Queries, and whenever the user hears of a change queries again, until the devices are as wanted. */
async function until(by: TestUser, of: TestUser, isWanted: (devices: Record<string, unknown>) => boolean): Promise<void> {
  while (!isWanted(await devicesSeen(by, of))) await seesDeviceChange(by, of.id)
}
