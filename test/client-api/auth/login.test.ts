import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loginRoutes } from '../../../src/client-api/auth/login.ts'
import { logoutRoutes } from '../../../src/client-api/auth/logout.ts'
import { whoamiRoutes } from '../../../src/client-api/auth/whoami.ts'
import type { Batch } from '../../../src/storage/database.ts'
import type { DeviceAddress } from '../../../src/users/sessions.ts'
import { type AccountServices, accountServer, type AccountsOptions } from '../../support/accounts.ts'

const routes = (services: AccountServices) => [...loginRoutes(services), ...logoutRoutes(services), ...whoamiRoutes()]
const server = (options?: AccountsOptions) => accountServer(routes, options)
const credentials = (user: string, password: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
})

describe('login', () => {
  test('offers its flows', async () => {
    await using hs = await server()
    assert.deepEqual((await hs.call('GET', 'login')).json, { flows: [{ type: 'm.login.password' }] })
  })

  for (const name of ['@alice:example.org', 'alice', 'ALICE']) {
    test(`knows a user as ${name}`, async () => {
      await using hs = await server()
      const alice = await hs.user('alice')
      const { json } = await hs.call('POST', 'login', { ...credentials(name, alice.password), device_id: 'PHONE' })
      assert.equal(json.user_id, alice.userId)
      assert.equal(json.device_id, 'PHONE')
      assert.equal(json.home_server, 'example.org')
      const who = await hs.call('GET', 'account/whoami', undefined, { token: String(json.access_token) })
      assert.deepEqual(who.json, { user_id: alice.userId, device_id: 'PHONE', is_guest: false })
    })
  }

  test('takes the user as clients sent it before there were identifiers', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const answer = await hs.call('POST', 'login', { type: 'm.login.password', user: 'alice', password: alice.password })
    assert.equal(answer.status, 200)
  })

  test('says the same of a wrong password, an unknown user, and a user who has no password', async () => {
    await using hs = await server()
    await hs.user('alice')
    await hs.services.registration.createAccount({ localpart: 'bot' })
    const answers = await Promise.all(
      ['alice', 'nobody', 'bot', '@alice:elsewhere.org', ''].map((user) => hs.call('POST', 'login', credentials(user, ''))),
    )
    for (const { status, json } of answers) {
      assert.deepEqual([status, json], [403, { errcode: 'M_FORBIDDEN', error: 'The user name or the password is wrong' }])
    }
  })

  test('says the same of an address that nobody has', async () => {
    await using hs = await server()
    const identifier = { type: 'm.id.thirdparty', medium: 'email', address: 'bob@example.com' }
    const answer = await hs.call('POST', 'login', { type: 'm.login.password', identifier, password: 'x' })
    assert.deepEqual([answer.status, answer.json.errcode], [403, 'M_FORBIDDEN'])
  })

  test('refuses types that it does not offer', async () => {
    await using hs = await server()
    const answer = await hs.call('POST', 'login', { type: 'm.login.magic' })
    assert.deepEqual([answer.status, answer.json.errcode], [400, 'M_UNKNOWN'])
  })

  test('on a known device keeps its name, and ends its earlier tokens', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const body = { ...credentials('alice', alice.password), device_id: 'PHONE' }
    const first = (await hs.call('POST', 'login', { ...body, initial_device_display_name: 'phone' })).json
    assert.equal((await whoami(hs, first.access_token)).status, 200)
    const second = (await hs.call('POST', 'login', { ...body, initial_device_display_name: 'other' })).json
    assert.equal((await whoami(hs, first.access_token)).json.errcode, 'M_UNKNOWN_TOKEN')
    const requester = await hs.services.accessTokens.authenticate(String(second.access_token), NOWHERE)
    const devices = await hs.services.deviceManagement.list(requester)
    assert.deepEqual(
      devices.map(({ device_id, display_name }) => [device_id, display_name]),
      [
        [alice.deviceId, undefined],
        ['PHONE', 'phone'],
      ],
    )
  })

  test('of the same device from all sides leaves one token', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const body = { ...credentials('alice', alice.password), device_id: 'PHONE' }
    const logins = await Promise.all([1, 2, 3, 4].map(() => hs.call('POST', 'login', body)))
    const good = await Promise.all(logins.map(async ({ json }) => (await whoami(hs, json.access_token)).status))
    assert.deepEqual(good.sort(), [200, 401, 401, 401])
  })

  test('makes devices known to those who listen', async () => {
    const heard: string[] = []
    const note =
      (what: string) =>
      (_: Batch, { userId, deviceId }: DeviceAddress) =>
        void heard.push(`${what} ${userId} ${deviceId}`)
    await using hs = await server({ deviceListeners: [{ deviceChanged: note('new'), deviceRemoved: note('gone') }] })
    const alice = await hs.user('alice')
    await hs.call('POST', 'login', { ...credentials('alice', alice.password), device_id: 'PHONE' })
    await hs.call('POST', 'login', { ...credentials('alice', alice.password), device_id: 'PHONE' })
    await hs.call('POST', 'logout', '{}', alice)
    assert.deepEqual(heard, [
      `new ${alice.userId} ${alice.deviceId}`,
      `new ${alice.userId} PHONE`,
      `gone ${alice.userId} ${alice.deviceId}`,
    ])
  })
})

describe('logout', () => {
  test('ends the session and removes its device', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const other = (await hs.call('POST', 'login', { ...credentials('alice', alice.password), device_id: 'OTHER' })).json
    assert.equal((await hs.call('POST', 'logout', '{}', alice)).status, 200)
    assert.deepEqual(await whoami(hs, alice.token).then(({ status, json }) => [status, json.errcode]), [401, 'M_UNKNOWN_TOKEN'])
    const requester = await hs.services.accessTokens.authenticate(String(other.access_token), NOWHERE)
    assert.deepEqual(
      (await hs.services.deviceManagement.list(requester)).map(({ device_id }) => device_id),
      ['OTHER'],
    )
  })

  test('everywhere ends all sessions', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const bob = await hs.user('bob')
    const other = (await hs.call('POST', 'login', credentials('alice', alice.password))).json
    assert.equal((await hs.call('POST', 'logout/all', '{}', alice)).status, 200)
    const statuses = [alice.token, other.access_token, bob.token].map(async (token) => (await whoami(hs, token)).status)
    assert.deepEqual(await Promise.all(statuses), [401, 401, 200])
  })

  test('needs a token', async () => {
    await using hs = await server()
    assert.equal((await hs.call('POST', 'logout', '{}')).json.errcode, 'M_MISSING_TOKEN')
    assert.equal((await hs.call('POST', 'logout', '{}', { token: 'stolen' })).json.errcode, 'M_UNKNOWN_TOKEN')
  })
})

describe('a locked account', () => {
  test('is told so, keeps its sessions, and cannot log in', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    assert.equal((await whoami(hs, alice.token)).status, 200)
    await hs.services.moderation.setLocked(alice.userId as never, true)
    const locked = await whoami(hs, alice.token)
    assert.deepEqual([locked.status, locked.json.errcode, locked.json.soft_logout], [401, 'M_USER_LOCKED', true])
    assert.equal((await hs.call('POST', 'login', credentials('alice', alice.password))).json.errcode, 'M_USER_LOCKED')
    assert.equal((await hs.call('POST', 'login', credentials('alice', 'wrong'))).json.errcode, 'M_FORBIDDEN')
    assert.equal((await whoami(hs, alice.token)).json.errcode, 'M_USER_LOCKED')
    await hs.services.moderation.setLocked(alice.userId as never, false)
    assert.equal((await whoami(hs, alice.token)).status, 200)
  })

  test('can log out', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    await hs.services.moderation.setLocked(alice.userId as never, true)
    assert.equal((await hs.call('POST', '/_matrix/client/r0/logout', '{}', alice)).status, 200)
    assert.equal((await whoami(hs, alice.token)).json.errcode, 'M_UNKNOWN_TOKEN')
  })
})

const NOWHERE = { address: '', userAgent: undefined }
const whoami = (hs: Awaited<ReturnType<typeof server>>, token: unknown) =>
  hs.call('GET', 'account/whoami', undefined, { token: String(token) })
