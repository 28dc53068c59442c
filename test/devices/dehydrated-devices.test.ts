/** MSC3814: a device on which nobody is logged in. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { testHomeserver } from '../support/homeserver.ts'
import { TestUser } from '../support/user.ts'
import { deviceKeys, oneTimeKeys, seesDeviceChange } from './support.ts'

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'

/** What a client uploads for a device of the user. */
function dehydrated(user: TestUser, deviceId: string): JsonObject {
  return {
    device_id: deviceId,
    device_data: { algorithm: 'org.matrix.msc3814.v2', device_pickle: `pickle of ${deviceId}`, nonce: 'nonce' },
    initial_device_display_name: 'Dehydrated device',
    device_keys: { ...deviceKeys(new TestUser({ url: '', name: '' }, user.id, '', deviceId)), dehydrated: true },
    one_time_keys: oneTimeKeys('one'),
    fallback_keys: oneTimeKeys('fallback'),
  }
}

const eventsOf = (deviceId: string) => `${PATH}/${encodeURIComponent(deviceId)}/events`
const sendTo = (user: TestUser, target: string, txn: string, devices: JsonObject) =>
  user.ok('PUT', `sendToDevice/m.room.encrypted/${txn}`, { messages: { [target]: devices } })
const bodiesOf = ({ events }: JsonObject) => (events as JsonObject[]).map(({ content }) => Object(content)['body'] as unknown)

test('a user has one dehydrated device, with keys that others find and use', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  await bob.join(await alice.createRoom({ preset: 'public_chat' }))
  await bob.sync()
  await alice.refused(404, 'M_NOT_FOUND', 'GET', PATH)
  await alice.refused(404, 'M_NOT_FOUND', 'DELETE', PATH)
  const wanted = dehydrated(alice, 'a+b/c')
  assert.deepEqual(await alice.ok('PUT', PATH, wanted), { device_id: 'a+b/c' })
  assert.deepEqual(await alice.ok('GET', PATH), { device_id: 'a+b/c', device_data: wanted['device_data'] })
  await bob.refused(404, 'M_NOT_FOUND', 'GET', PATH)
  await seesDeviceChange(bob, alice.id)
  const keysOf = async () => Object(await bob.ok('POST', 'keys/query', { device_keys: { [alice.id]: [] } })).device_keys[alice.id]
  assert.equal((await keysOf())['a+b/c'].dehydrated, true)
  const claim = { one_time_keys: { [alice.id]: { 'a+b/c': 'signed_curve25519' } } }
  const claimed = async () => Object.keys(Object(await bob.ok('POST', 'keys/claim', claim)).one_time_keys[alice.id]['a+b/c'])
  assert.deepEqual(await claimed(), ['signed_curve25519:one'])
  assert.deepEqual(await claimed(), ['signed_curve25519:fallback'])

  await alice.ok('PUT', PATH, dehydrated(alice, 'another'))
  await seesDeviceChange(bob, alice.id)
  assert.deepEqual(Object.keys(await keysOf()), ['another'])
  const { devices } = await alice.ok('GET', 'devices')
  assert.deepEqual(
    (devices as JsonObject[]).map(({ device_id: id }) => id),
    [alice.deviceId, 'another'],
  )
  assert.deepEqual(await alice.ok('DELETE', PATH), { device_id: 'another' })
  await seesDeviceChange(bob, alice.id)
  assert.deepEqual(await keysOf(), {})
  await alice.refused(404, 'M_NOT_FOUND', 'GET', PATH)
})

test('messages wait for it, and can be read again from the start', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = (await hs.users('alice', 'bob')) as [TestUser, TestUser]
  await alice.ok('PUT', PATH, dehydrated(alice, 'dry'))
  assert.deepEqual(await alice.ok('GET', eventsOf('dry')), { events: [] })
  const numbers = Array.from({ length: 130 }, (_, index) => index)
  for (const body of numbers) await sendTo(bob, alice.id, `t${body}`, body % 2 === 0 ? { dry: { body } } : { '*': { body } })
  await hs.restart()
  const first = await alice.ok('GET', eventsOf('dry'))
  const rest = await alice.ok('GET', `${eventsOf('dry')}?from=${String(first['next_batch'])}`)
  assert.deepEqual([...bodiesOf(first), ...bodiesOf(rest)], numbers)
  assert.equal(rest['next_batch'], undefined)
  assert.deepEqual(await alice.ok('GET', eventsOf('dry')), first)

  const [one, two] = [
    await alice.ok('POST', eventsOf('dry'), {}),
    await alice.ok('POST', eventsOf('dry'), { next_batch: first['next_batch'] }),
  ]
  assert.deepEqual([...bodiesOf(one), ...bodiesOf(two)], numbers)
  assert.deepEqual((await alice.ok('POST', eventsOf('dry'), { next_batch: two['next_batch'] }))['events'], [])

  await alice.refused(403, 'M_FORBIDDEN', 'GET', eventsOf(alice.deviceId))
  await bob.refused(403, 'M_FORBIDDEN', 'GET', eventsOf('dry'))
  await alice.ok('PUT', PATH, dehydrated(alice, 'dry'))
  assert.deepEqual(await alice.ok('GET', eventsOf('dry')), { events: [] })
})

test('nobody logs in on it', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  await alice.ok('PUT', PATH, dehydrated(alice, 'dry'))
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.id }, password: "alice's password" }
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'login', { ...login, device_id: 'dry' })
  await alice.ok('DELETE', PATH)
  assert.equal((await alice.ok('POST', 'login', { ...login, device_id: 'dry' }))['device_id'], 'dry')
})

test('it must be a device of its own, and it goes when the user logs out everywhere', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', PATH, dehydrated(alice, alice.deviceId))
  const mixed = { ...dehydrated(alice, 'one'), device_id: 'two' }
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', PATH, mixed)
  await alice.refused(400, 'M_MISSING_PARAM', 'PUT', PATH, { device_id: 'one' })
  const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`curve25519:${index}`, 'key']))
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', PATH, { ...dehydrated(alice, 'one'), one_time_keys: many })
  await alice.refused(404, 'M_NOT_FOUND', 'GET', PATH)
  await alice.ok('PUT', PATH, dehydrated(alice, 'one'))
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.id }, password: "alice's password" }
  await alice.ok('POST', 'logout/all', {})
  const { access_token: token, device_id: deviceId } = await alice.ok('POST', 'login', login)
  const again = new TestUser({ url: hs.url, name: hs.name }, alice.id, String(token), String(deviceId))
  await again.refused(404, 'M_NOT_FOUND', 'GET', PATH)
})
