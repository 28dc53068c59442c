/** https://spec.matrix.org/v1.19/client-server-api/#key-management-api */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../support/homeserver.ts'
import { anotherDevice, deviceKeys, oneTimeKeys, seesDeviceChange, syncPart } from './support.ts'

test('a device uploads its keys, and others query them with its name', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const keys = deviceKeys(alice)
  const uploaded = await alice.ok('POST', 'keys/upload', { device_keys: keys, one_time_keys: oneTimeKeys('A', 'B') })
  assert.deepEqual(uploaded, { one_time_key_counts: { signed_curve25519: 2 } })
  await alice.ok('PUT', `devices/${alice.deviceId}`, { display_name: "Alice's phone" })
  const expected = { ...keys, unsigned: { device_display_name: "Alice's phone" } }
  for (const wanted of [[], [alice.deviceId]]) {
    const { device_keys } = await bob.ok('POST', 'keys/query', { device_keys: { [alice.id]: wanted } })
    assert.deepEqual(device_keys, { [alice.id]: { [alice.deviceId]: expected } })
  }
  const { device_keys, failures } = await bob.ok('POST', 'keys/query', {
    device_keys: { [bob.id]: [], '@nobody:test.example': [] },
  })
  assert.deepEqual([device_keys, failures], [{ [bob.id]: {} }, {}])
})

test('keys of another device or user, or of a wrong form, are refused', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'keys/upload', { device_keys: deviceKeys(bob) })
  const { keys: _keys, ...incomplete } = deviceKeys(alice)
  await alice.refused(400, 'M_BAD_JSON', 'POST', 'keys/upload', { device_keys: incomplete })
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'keys/upload', { one_time_keys: { nameless: 'key' } })
  const { one_time_key_counts } = await alice.ok('POST', 'keys/upload', {})
  assert.deepEqual(one_time_key_counts, {})
})

test('one-time keys are given out in the order of their uploads, each once, and then the fallback key', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const fallback = { 'signed_curve25519:F': { key: 'fallback', fallback: true, signatures: {} } }
  await alice.ok('POST', 'keys/upload', { one_time_keys: oneTimeKeys('Z'), fallback_keys: fallback })
  await alice.ok('POST', 'keys/upload', { one_time_keys: oneTimeKeys('A', 'M') })
  const wanted = { one_time_keys: { [alice.id]: { [alice.deviceId]: 'signed_curve25519', NONE: 'signed_curve25519' } } }
  const claim = async () => {
    const { one_time_keys } = await bob.ok('POST', 'keys/claim', wanted)
    return Object.keys((one_time_keys as never)[alice.id]?.[alice.deviceId] ?? {})[0]
  }
  const first = await claim()
  const others = await Promise.all([claim(), claim()])
  assert.equal(first, 'signed_curve25519:Z')
  assert.deepEqual(new Set(others), new Set(['signed_curve25519:A', 'signed_curve25519:M']))
  assert.deepEqual(await syncPart(alice, 'device_unused_fallback_key_types'), ['signed_curve25519'])
  assert.deepEqual([await claim(), await claim()], ['signed_curve25519:F', 'signed_curve25519:F'])
  assert.deepEqual(await syncPart(alice, 'device_unused_fallback_key_types'), [])
  await alice.ok('POST', 'keys/upload', { fallback_keys: fallback })
  assert.deepEqual(await syncPart(alice, 'device_unused_fallback_key_types'), [])
  await alice.ok('POST', 'keys/upload', {
    fallback_keys: { 'signed_curve25519:G': { key: 'another', fallback: true, signatures: {} } },
  })
  assert.deepEqual(await syncPart(alice, 'device_unused_fallback_key_types'), ['signed_curve25519'])
})

test('a one-time key may be uploaded again as it is, but not changed', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  for (let i = 0; i < 2; i++) await alice.ok('POST', 'keys/upload', { one_time_keys: oneTimeKeys('A') })
  assert.deepEqual(await syncPart(alice, 'device_one_time_keys_count'), { signed_curve25519: 1 })
  const changed = { 'signed_curve25519:A': { key: 'another', signatures: {} } }
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'keys/upload', { one_time_keys: changed })
})

test('a waiting client hears that a key was claimed', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  await alice.ok('POST', 'keys/upload', { one_time_keys: oneTimeKeys('A', 'B') })
  await alice.sync()
  const waiting = alice.sync({ timeout: '20000' })
  await bob.ok('POST', 'keys/claim', { one_time_keys: { [alice.id]: { [alice.deviceId]: 'signed_curve25519' } } })
  const { device_one_time_keys_count: counts } = (await waiting) as never
  assert.deepEqual(counts, { signed_curve25519: 1 })
})

test('a device that is deleted takes its keys along', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const tablet = await anotherDevice(hs, alice)
  await tablet.ok('POST', 'keys/upload', { device_keys: deviceKeys(tablet), one_time_keys: oneTimeKeys('A') })
  await alice.sync()
  await tablet.ok('POST', 'logout', {})
  const { device_keys } = await bob.ok('POST', 'keys/query', { device_keys: { [alice.id]: [] } })
  assert.deepEqual(device_keys, { [alice.id]: {} })
  const wanted = { [alice.id]: { [tablet.deviceId]: 'signed_curve25519' } }
  assert.deepEqual((await bob.ok('POST', 'keys/claim', { one_time_keys: wanted }))['one_time_keys'], {})
  await seesDeviceChange(alice, alice.id)
})
