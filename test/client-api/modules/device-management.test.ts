import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loginRoutes } from '../../../src/client-api/auth/login.ts'
import { whoamiRoutes } from '../../../src/client-api/auth/whoami.ts'
import { deviceManagementRoutes } from '../../../src/client-api/modules/device-management.ts'
import { type AccountServices, accountServer, type AccountsOptions, passwordAuth, type TestUser } from '../../support/accounts.ts'

const routes = (services: AccountServices) => [...deviceManagementRoutes(services), ...loginRoutes(services), ...whoamiRoutes()]
const server = (options?: AccountsOptions) => accountServer(routes, options)
type Server = Awaited<ReturnType<typeof server>>

/** Another device of the user; answers its token. */
async function logIn(hs: Server, user: TestUser, deviceId: string, name?: string) {
  const identifier = { type: 'm.id.user', user: user.userId }
  const { password } = user
  const body = { type: 'm.login.password', identifier, password, device_id: deviceId, initial_device_display_name: name }
  return { token: String((await hs.call('POST', 'login', body)).json.access_token) }
}
const idsOf = async (hs: Server, user: TestUser) => {
  const { devices } = (await hs.call('GET', 'devices', undefined, user)).json
  assert.ok(Array.isArray(devices))
  return devices.map((device) => (typeof device === 'object' && device !== null && 'device_id' in device ? device.device_id : ''))
}

describe('devices', () => {
  test('are listed with their names, and when they were last seen', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    await logIn(hs, alice, 'PHONE', 'my phone')
    await hs.call('GET', 'account/whoami', undefined, alice)
    await hs.services.lastSeen.flush()
    assert.deepEqual((await hs.call('GET', 'devices', undefined, alice)).json, {
      devices: [
        { device_id: alice.deviceId, last_seen_ip: '127.0.0.1', last_seen_ts: hs.clock.now() },
        { device_id: 'PHONE', display_name: 'my phone' },
      ],
    })
    const phone = await hs.call('GET', 'devices/PHONE', undefined, alice)
    assert.deepEqual(phone.json, { device_id: 'PHONE', display_name: 'my phone' })
  })

  test('can be renamed', async () => {
    const renamed: string[] = []
    const deviceListeners = [
      { deviceChanged: (_: unknown, { deviceId }: { deviceId: string }) => void renamed.push(deviceId), deviceRemoved() {} },
    ]
    await using hs = await server({ deviceListeners })
    const alice = await hs.user('alice')
    renamed.length = 0
    for (const body of [{ display_name: 'new' }, { display_name: 'new' }, {}]) {
      assert.deepEqual((await hs.call('PUT', `devices/${alice.deviceId}`, body, alice)).json, {})
    }
    const { json } = await hs.call('GET', `devices/${alice.deviceId}`, undefined, alice)
    assert.equal(json.display_name, 'new')
    assert.deepEqual(renamed, [alice.deviceId])
    const long = await hs.call('PUT', `devices/${alice.deviceId}`, { display_name: 'x'.repeat(257) }, alice)
    assert.deepEqual([long.status, long.json.errcode], [400, 'M_INVALID_PARAM'])
  })

  test('of others are as unknown as those that there are not', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const bob = await hs.user('bob')
    for (const path of ['devices/NONE', `devices/${bob.deviceId}`]) {
      assert.equal((await hs.call('GET', path, undefined, alice)).json.errcode, 'M_NOT_FOUND')
      assert.equal((await hs.call('PUT', path, { display_name: 'mine' }, alice)).json.errcode, 'M_NOT_FOUND')
    }
    await hs.call('DELETE', `devices/${bob.deviceId}`, { auth: passwordAuth(alice) }, alice)
    assert.deepEqual(await idsOf(hs, bob), [bob.deviceId])
  })
})

describe('deleting a device', () => {
  test('takes the password, and ends its session', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const phone = await logIn(hs, alice, 'PHONE')
    const asked = await hs.call('DELETE', 'devices/PHONE', '', alice)
    assert.deepEqual([asked.status, asked.json.flows], [401, [{ stages: ['m.login.password'] }]])
    const wrong = await hs.call('DELETE', 'devices/PHONE', { auth: passwordAuth(alice, 'cashewnuts') }, alice)
    assert.deepEqual([wrong.status, wrong.json.errcode], [401, 'M_FORBIDDEN'])
    const auth = { ...passwordAuth(alice), session: asked.json.session }
    assert.deepEqual((await hs.call('DELETE', 'devices/PHONE', { auth }, alice)).json, {})
    assert.equal((await hs.call('GET', 'account/whoami', undefined, phone)).json.errcode, 'M_UNKNOWN_TOKEN')
    assert.deepEqual(await idsOf(hs, alice), [alice.deviceId])
  })

  test('takes the password of its owner', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const eve = await hs.user('eve')
    await logIn(hs, alice, 'PHONE')
    const stolen = await hs.call('DELETE', 'devices/PHONE', { auth: passwordAuth(eve) }, alice)
    assert.deepEqual([stolen.status, stolen.json.errcode], [403, 'M_FORBIDDEN'])
    assert.deepEqual(await idsOf(hs, alice), [alice.deviceId, 'PHONE'])
  })

  test('is agreed to for this device only', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    await logIn(hs, alice, 'PHONE')
    await logIn(hs, alice, 'TABLET')
    const { session } = (await hs.call('DELETE', 'devices/PHONE', {}, alice)).json
    const auth = { ...passwordAuth(alice), session }
    assert.equal((await hs.call('DELETE', 'devices/TABLET', { auth }, alice)).json.errcode, 'M_FORBIDDEN')
    assert.equal((await hs.call('POST', 'delete_devices', { devices: ['TABLET'], auth }, alice)).json.errcode, 'M_FORBIDDEN')
    assert.deepEqual(await idsOf(hs, alice), [alice.deviceId, 'PHONE', 'TABLET'])
  })

  test('works for many at once, and for those that are gone', async () => {
    const removed: string[] = []
    const deviceListeners = [
      { deviceRemoved: (_: unknown, { deviceId }: { deviceId: string }) => void removed.push(deviceId), deviceChanged() {} },
    ]
    await using hs = await server({ deviceListeners })
    const alice = await hs.user('alice')
    await logIn(hs, alice, 'PHONE')
    await logIn(hs, alice, 'TABLET')
    const devices = ['PHONE', 'TABLET', 'NONE']
    const { session } = (await hs.call('POST', 'delete_devices', { devices }, alice)).json
    const auth = { ...passwordAuth(alice), session }
    const fewer = await hs.call('POST', 'delete_devices', { devices: ['PHONE'], auth }, alice)
    assert.equal(fewer.status, 403)
    assert.equal((await hs.call('POST', 'delete_devices', { devices, auth }, alice)).status, 200)
    assert.deepEqual(await idsOf(hs, alice), [alice.deviceId])
    assert.deepEqual(removed, ['PHONE', 'TABLET'])
  })
})
