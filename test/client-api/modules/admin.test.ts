/** https://spec.matrix.org/v1.19/client-server-api/#server-administration */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { anotherDevice } from '../../devices/support.ts'
import { testHomeserver, type TestHomeserver } from '../../support/homeserver.ts'
import { SHARED_SECRET } from '../../support/shared-secret.ts'
import { call, TestUser } from '../../support/user.ts'

test('pushers are kept, replaced, listed and removed, and go with their session', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const pusher: JsonObject = {
    pushkey: 'key',
    kind: 'http',
    app_id: 'org.example',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: 'https://push.example.org/_matrix/push/v1/notify', format: 'event_id_only' },
  }
  const shown = ({ deviceId }: TestUser, enabled = true) => ({
    ...pusher,
    'org.matrix.msc3881.enabled': enabled,
    'org.matrix.msc3881.device_id': deviceId,
  })
  await alice.ok('POST', 'pushers/set', pusher)
  await alice.ok('POST', 'pushers/set', { ...pusher, lang: 'de' })
  assert.deepEqual(await alice.ok('GET', 'pushers'), { pushers: [{ ...shown(alice), lang: 'de' }] })
  await bob.ok('POST', 'pushers/set', pusher)
  assert.deepEqual(await alice.ok('GET', 'pushers'), { pushers: [] })
  await alice.ok('POST', 'pushers/set', { ...pusher, append: true })
  assert.deepEqual(await bob.ok('GET', 'pushers'), { pushers: [shown(bob)] })
  // MSC3881: another device silences it, and it goes with its own device all the same.
  const laptop = await anotherDevice(server, bob)
  await laptop.ok('POST', 'pushers/set', { ...shown(bob, false), append: true })
  assert.deepEqual(await bob.ok('GET', 'pushers'), { pushers: [shown(bob, false)] })
  await laptop.ok('POST', 'pushers/set', { ...pusher, append: true })
  assert.deepEqual(await bob.ok('GET', 'pushers'), { pushers: [shown(laptop)] })
  await bob.ok('POST', 'pushers/set', { pushkey: 'key', app_id: 'org.example', kind: null })
  assert.deepEqual(await bob.ok('GET', 'pushers'), { pushers: [] })
  await alice.refused(400, 'M_MISSING_PARAM', 'POST', 'pushers/set', { pushkey: 'key', app_id: 'org.example', kind: 'http' })
  await alice.refused(400, 'M_INVALID_PARAM', 'POST', 'pushers/set', { ...pusher, data: { url: 'https://push.example.org/' } })
})

test('what there is nothing of is answered with nothing', async () => {
  await using server = await testHomeserver()
  const alice = await server.user('alice')
  assert.deepEqual(await alice.ok('GET', 'account/3pid'), { threepids: [] })
  assert.deepEqual(await alice.ok('GET', 'voip/turnServer'), {})
  assert.deepEqual(await alice.ok('GET', 'thirdparty/protocols'), {})
  await alice.refused(404, 'M_NOT_FOUND', 'GET', 'thirdparty/protocol/irc')
})

test('users ask about their own sessions only, and may not suspend anybody', async () => {
  await using server = await testHomeserver()
  const [alice, bob] = await server.users('alice', 'bob')
  const { devices } = await alice.ok('GET', `admin/whois/${alice.id}`)
  assert.deepEqual(Object.keys(devices as JsonObject), [alice.deviceId])
  await alice.refused(403, 'M_FORBIDDEN', 'GET', `admin/whois/${bob.id}`)
  await alice.refused(403, 'M_FORBIDDEN', 'PUT', `/_matrix/client/v1/admin/suspend/${bob.id}`, { suspended: true })
  await alice.refused(403, 'M_FORBIDDEN', 'GET', `/_matrix/client/v1/admin/lock/${bob.id}`)
})

const moderation = async (user: TestUser) => {
  const { capabilities } = (await user.ok('GET', 'capabilities')) as { capabilities: JsonObject }
  return capabilities['m.account_moderation']
}

test('administrators are told that they may lock and suspend, others are not', async () => {
  await using server = await testHomeserver()
  assert.deepEqual(await moderation(await admin(server, 'root')), { suspend: true, lock: true })
  assert.equal(await moderation(await server.user('bob')), undefined)
})

test('administrators lock and suspend users, but neither one another nor themselves', async () => {
  await using server = await testHomeserver()
  const [bob, root, other] = [await server.user('bob'), await admin(server, 'root'), await admin(server, 'other')]
  const lock = `/_matrix/client/v1/admin/lock/${bob.id}`
  const suspend = `/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/${bob.id}`
  assert.deepEqual(await root.ok('GET', lock), { locked: false })
  assert.deepEqual(await root.ok('PUT', lock, { locked: true }), { locked: true })
  await bob.refused(401, 'M_USER_LOCKED', 'GET', 'account/whoami')
  await root.ok('PUT', lock, { locked: false })
  await root.ok('PUT', suspend, { suspended: true })
  assert.deepEqual(await root.ok('GET', suspend), { suspended: true })
  await bob.refused(403, 'M_USER_SUSPENDED', 'POST', 'createRoom', {})
  await root.refused(403, 'M_FORBIDDEN', 'PUT', lock.replace('bob', 'root'), { locked: true })
  await root.refused(403, 'M_FORBIDDEN', 'PUT', lock.replace('bob', 'other'), { locked: true })
  await root.refused(404, 'M_NOT_FOUND', 'GET', lock.replace('bob', 'nobody'))
  await root.refused(400, 'M_INVALID_PARAM', 'GET', lock.replace(server.name, 'elsewhere.example'))
  assert.ok(other)
})

async function admin(server: TestHomeserver, username: string): Promise<TestUser> {
  const path = '/_synapse/admin/v1/register'
  const nonce = String((await call(server, 'GET', path)).body['nonce'])
  const mac = createHmac('sha1', SHARED_SECRET).update([nonce, username, 'secret', 'admin'].join('\0')).digest('hex')
  const { body } = await call(server, 'POST', path, { nonce, username, password: 'secret', admin: true, mac })
  return new TestUser(server, String(body['user_id']), String(body['access_token']), String(body['device_id']))
}
