/** https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'
import { anotherDevice, type DeviceSync, syncPart } from './support.ts'

let transactions = 0

function send(from: TestUser, to: TestUser, deviceId: string, content: JsonObject, transaction = `t${++transactions}`) {
  return from.ok('PUT', `sendToDevice/my.test.type/${transaction}`, { messages: { [to.id]: { [deviceId]: content } } })
}

const received = async (user: TestUser) => (await syncPart(user, 'to_device')).events.map(({ content }) => content)

test('a message comes until the next sync says that it has arrived', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await send(alice, bob, bob.deviceId, { n: 1 })
  const first = (await bob.ok('GET', 'sync')) as unknown as DeviceSync
  assert.deepEqual(first.to_device.events, [{ type: 'my.test.type', sender: alice.id, content: { n: 1 } }])
  const again = (await bob.ok('GET', 'sync')) as unknown as DeviceSync
  assert.deepEqual(again.to_device, first.to_device)
  await send(alice, bob, bob.deviceId, { n: 2 })
  for (let i = 0; i < 2; i++) {
    const next = (await bob.ok('GET', `sync?since=${again.next_batch}`)) as unknown as DeviceSync
    assert.deepEqual(
      next.to_device.events.map(({ content }) => content),
      [{ n: 2 }],
    )
  }
  const fromTheStart = (await bob.ok('GET', 'sync')) as unknown as DeviceSync
  assert.deepEqual(
    fromTheStart.to_device.events.map(({ content }) => content),
    [{ n: 2 }],
  )
})

test('a repeated request is done once; another type or device is another request', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await Promise.all([1, 2, 3].map(() => send(alice, bob, bob.deviceId, { n: 1 }, 'same')))
  await alice.ok('PUT', 'sendToDevice/my.other.type/same', { messages: { [bob.id]: { [bob.deviceId]: { n: 2 } } } })
  const tablet = await anotherDevice(hs, alice)
  await send(tablet, bob, bob.deviceId, { n: 3 }, 'same')
  assert.deepEqual(await received(bob), [{ n: 1 }, { n: 2 }, { n: 3 }])
})

test('a star stands for all devices, and unknown ones are passed over', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const tablet = await anotherDevice(hs, bob)
  await send(alice, bob, '*', { n: 1 })
  await send(alice, bob, 'NONE', { n: 2 })
  for (const device of [bob, tablet]) assert.deepEqual(await received(device), [{ n: 1 }])
})

test('wakes a waiting client', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await bob.sync()
  const waiting = bob.sync({ timeout: '20000' })
  await send(alice, bob, bob.deviceId, { n: 1 })
  assert.equal(((await waiting) as DeviceSync).to_device.events.length, 1)
})

test('many messages come in parts of a hundred, in order, none of them lost or twice', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await bob.sync()
  const all = Array.from({ length: 250 }, (_, n) => ({ n }))
  for (const content of all) await send(alice, bob, bob.deviceId, content)
  const first = await bob.sync()
  const second = (await bob.ok('GET', `sync?since=${first.next_batch}&timeout=20000`)) as unknown as DeviceSync
  // The answer got lost: the request is made again.
  const repeated = (await bob.sync({ timeout: '20000' })) as DeviceSync
  assert.deepEqual(repeated.to_device, second.to_device)
  const third = await bob.sync({ timeout: '20000' })
  const parts = [first, repeated, third].map((sync) => (sync as DeviceSync).to_device.events.map(({ content }) => content))
  assert.deepEqual(
    parts.map(({ length }) => length),
    [100, 100, 50],
  )
  assert.deepEqual(parts.flat(), all)
  assert.deepEqual(await received(bob), [])
})
