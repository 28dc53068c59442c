/** https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testHomeserver } from '../support/homeserver.ts'
import type { TestUser } from '../support/user.ts'

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2'

async function createBackup(user: TestUser): Promise<string> {
  return String(
    (await user.ok('POST', 'room_keys/version', { algorithm: ALGORITHM, auth_data: { public_key: 'key' } }))['version'],
  )
}

const key = (first_message_index: number, { verified = false, forwarded = 0 } = {}) => ({
  first_message_index,
  forwarded_count: forwarded,
  is_verified: verified,
  session_data: { ciphertext: `from ${first_message_index}` },
})

test('a backup is made, described, changed and deleted; versions are never used again', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  await alice.refused(404, 'M_NOT_FOUND', 'GET', 'room_keys/version')
  const [first, second] = [await createBackup(alice), await createBackup(alice)]
  const info = await alice.ok('GET', 'room_keys/version')
  assert.deepEqual(info, { algorithm: ALGORITHM, auth_data: { public_key: 'key' }, version: second, etag: '0', count: 0 })
  const changed = { algorithm: ALGORITHM, auth_data: { public_key: 'other' } }
  await alice.ok('PUT', `room_keys/version/${second}`, changed)
  assert.deepEqual((await alice.ok('GET', `room_keys/version/${second}`))['auth_data'], { public_key: 'other' })
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', `room_keys/version/${second}`, { ...changed, algorithm: 'other' })
  await alice.refused(400, 'M_INVALID_PARAM', 'PUT', `room_keys/version/${second}`, { ...changed, version: first })
  for (let i = 0; i < 2; i++) await alice.ok('DELETE', `room_keys/version/${second}`)
  assert.equal((await alice.ok('GET', 'room_keys/version'))['version'], first)
  await alice.refused(404, 'M_NOT_FOUND', 'GET', `room_keys/version/${second}`)
  await alice.refused(404, 'M_NOT_FOUND', 'DELETE', 'room_keys/version/bogus')
  assert.notEqual(await createBackup(alice), second)
})

test('keys are put and fetched one by one, by room and all at once', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  const version = await createBackup(alice)
  const at = (path: string) => `room_keys/keys${path}?version=${version}`
  assert.deepEqual(await alice.ok('GET', at('')), { rooms: {} })
  assert.deepEqual(await alice.ok('GET', at('/!a:x')), { sessions: {} })
  await alice.refused(404, 'M_NOT_FOUND', 'GET', at('/!a:x/one'))
  assert.deepEqual(await alice.ok('PUT', at('/!a:x/one%2Fwith+signs'), key(1)), { etag: '1', count: 1 })
  assert.deepEqual(await alice.ok('PUT', at('/!a:x'), { sessions: { two: key(2) } }), { etag: '2', count: 2 })
  assert.deepEqual(await alice.ok('PUT', at(''), { rooms: { '!b:x': { sessions: { three: key(3) } } } }), { etag: '3', count: 3 })
  assert.deepEqual(await alice.ok('GET', at('/!a:x/one%2Fwith+signs')), key(1))
  const roomA = { sessions: { 'one/with+signs': key(1), two: key(2) } }
  assert.deepEqual(await alice.ok('GET', at('/!a:x')), roomA)
  assert.deepEqual(await alice.ok('GET', at('')), { rooms: { '!a:x': roomA, '!b:x': { sessions: { three: key(3) } } } })
  assert.deepEqual(await alice.ok('DELETE', at('/!a:x/two')), { etag: '4', count: 2 })
  assert.deepEqual(await alice.ok('DELETE', at('/!a:x/two')), { etag: '4', count: 2 })
  assert.deepEqual(await alice.ok('DELETE', at('/!a:x')), { etag: '5', count: 1 })
  assert.deepEqual(await alice.ok('DELETE', at('')), { etag: '6', count: 0 })
  assert.deepEqual(await alice.ok('GET', at('')), { rooms: {} })
})

test('a key is replaced by a better one only', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  const path = `room_keys/keys/!a:x/one?version=${await createBackup(alice)}`
  const puts: [ReturnType<typeof key>, boolean][] = [
    [key(5), true],
    [key(5, { forwarded: 1 }), false],
    [key(6), false],
    [key(4, { forwarded: 2 }), true],
    [key(4, { forwarded: 1 }), true],
    [key(9, { verified: true, forwarded: 9 }), true],
    [key(1), false],
  ]
  let kept = {}
  for (const [given, isBetter] of puts) {
    await alice.ok('PUT', path, given)
    if (isBetter) kept = given
    assert.deepEqual(await alice.ok('GET', path), kept)
  }
})

test('keys go to the newest backup only, and a backup is its owner’s', async () => {
  await using hs = await testHomeserver()
  const [alice, bob] = await hs.users('alice', 'bob')
  const old = await createBackup(alice)
  const current = await createBackup(alice)
  const refusal = await alice.refused(403, 'M_WRONG_ROOM_KEYS_VERSION', 'PUT', `room_keys/keys/!a:x/s?version=${old}`, key(1))
  assert.equal(refusal['current_version'], current)
  await bob.refused(404, 'M_NOT_FOUND', 'GET', `room_keys/keys?version=${current}`)
  await bob.refused(404, 'M_NOT_FOUND', 'PUT', `room_keys/keys/!a:x/s?version=${current}`, key(1))
})
