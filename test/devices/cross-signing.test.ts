/** https://spec.matrix.org/v1.19/client-server-api/#cross-signing */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../schemas/json.ts'
import { signJson } from '../../src/protocol/signing.ts'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'
import { crossSigningKey, deviceKeys, keyOf, passwordOf, seesDeviceChange, signerOf, syncPart } from './support.ts'

const UPLOAD = 'keys/device_signing/upload'
const SIGN = 'keys/signatures/upload'

const allKeys = (user: TestUser, generation = 1) => ({
  master_key: crossSigningKey(user, 'master', generation),
  self_signing_key: crossSigningKey(user, 'self_signing', generation),
  user_signing_key: crossSigningKey(user, 'user_signing', generation),
})
const query = (by: TestUser, of: TestUser) => by.ok('POST', 'keys/query', { device_keys: { [of.id]: [] } })

test('the first keys need no further authentication; the same again neither; others do', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  for (let i = 0; i < 2; i++) await alice.ok('POST', UPLOAD, allKeys(alice))
  const own = await query(alice, alice)
  const { master_key, self_signing_key, user_signing_key } = allKeys(alice)
  assert.deepEqual(own['master_keys'], { [alice.id]: master_key })
  assert.deepEqual(own['user_signing_keys'], { [alice.id]: user_signing_key })
  const others = await query(bob, alice)
  assert.deepEqual(others['self_signing_keys'], { [alice.id]: self_signing_key })
  assert.deepEqual(others['user_signing_keys'], {})
  const { status, body } = await alice.call('POST', UPLOAD, allKeys(alice, 2))
  assert.equal(status, 401)
  const identifier = { type: 'm.id.user', user: alice.id }
  const auth = { type: 'm.login.password', identifier, password: passwordOf(alice), session: body['session'] }
  await alice.ok('POST', UPLOAD, { ...allKeys(alice, 2), auth })
  assert.deepEqual((await query(bob, alice))['master_keys'], { [alice.id]: allKeys(alice, 2).master_key })
})

test('keys that the master key has not signed, or that are not the own ones, are refused', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const { master_key, self_signing_key } = allKeys(alice)
  await alice.refused(400, 'M_MISSING_PARAM', 'POST', UPLOAD, { self_signing_key })
  const otherMaster = { ...allKeys(alice, 2), self_signing_key }
  await alice.refused(400, 'M_INVALID_SIGNATURE', 'POST', UPLOAD, otherMaster)
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', UPLOAD, { master_key: crossSigningKey(bob, 'master') })
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', UPLOAD, { master_key: { ...master_key, usage: ['self_signing'] } })
})

test('a signed device is seen as such by all, and stays so when it uploads its keys again', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const keys = deviceKeys(alice)
  await alice.ok('POST', 'keys/upload', { device_keys: keys })
  await alice.ok('POST', UPLOAD, allKeys(alice))
  await bob.sync()
  const key = signerOf(alice.id, 'self_signing')
  const signed = signJson(keys, alice.id, key)
  assert.deepEqual(await alice.ok('POST', SIGN, { [alice.id]: { [alice.deviceId]: signed } }), { failures: {} })
  await seesDeviceChange(bob, alice.id)
  for (let i = 0; i < 2; i++) {
    const { device_keys } = await query(bob, alice)
    assert.deepEqual(device_keys, { [alice.id]: { [alice.deviceId]: { ...signed, unsigned: {} } } })
    await alice.ok('POST', 'keys/upload', { device_keys: keys })
  }
})

test('who signs the master key of another one sees the signature, and nobody else does', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  for (const user of [alice, bob]) await user.ok('POST', UPLOAD, allKeys(user))
  for (const user of [alice, bob]) await user.sync()
  const { master_key: master } = allKeys(bob)
  const signed = signJson(master, alice.id, signerOf(alice.id, 'user_signing'))
  const publicKey = signerOf(bob.id, 'master').publicKey
  assert.deepEqual(await alice.ok('POST', SIGN, { [bob.id]: { [publicKey]: signed } }), { failures: {} })
  assert.deepEqual((await query(alice, bob))['master_keys'], { [bob.id]: signed })
  assert.deepEqual((await query(bob, bob))['master_keys'], { [bob.id]: master })
  assert.deepEqual((await syncPart(alice, 'device_lists')).changed, [bob.id])
  assert.deepEqual((await syncPart(bob, 'device_lists')).changed, [])
})

test('a device signs its master key', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  await alice.ok('POST', 'keys/upload', { device_keys: deviceKeys(alice) })
  await alice.ok('POST', UPLOAD, allKeys(alice))
  const signed = signJson(allKeys(alice).master_key, alice.id, keyOf(`${alice.id} ${alice.deviceId}`, alice.deviceId))
  const publicKey = signerOf(alice.id, 'master').publicKey
  assert.deepEqual(await alice.ok('POST', SIGN, { [alice.id]: { [publicKey]: signed } }), { failures: {} })
  assert.deepEqual((await query(alice, alice))['master_keys'], { [alice.id]: signed })
})

test('wrong signatures are told one by one', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const keys = deviceKeys(alice)
  await alice.ok('POST', 'keys/upload', { device_keys: keys })
  await alice.ok('POST', UPLOAD, allKeys(alice))
  const key = signerOf(alice.id, 'self_signing')
  const forged = { ...signJson(keys, alice.id, key), algorithms: ['none'] }
  const stolen = signJson(keys, alice.id, { ...signerOf(bob.id, 'self_signing'), keyId: key.keyId })
  const signatures = async (object: JsonObject, target = alice.deviceId) => {
    const { failures } = await alice.ok('POST', SIGN, { [alice.id]: { [target]: object } })
    return (failures as Record<string, Record<string, JsonObject>>)[alice.id]?.[target]?.['errcode']
  }
  assert.equal(await signatures(forged), 'M_INVALID_SIGNATURE')
  assert.equal(await signatures(stolen), 'M_INVALID_SIGNATURE')
  assert.equal(await signatures(keys, 'NONE'), 'M_NOT_FOUND')
})
