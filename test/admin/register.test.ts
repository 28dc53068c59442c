import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { sharedSecretRoutes } from '../../src/admin/register.ts'
import { accountServer } from '../support/accounts.ts'

const PATH = '/_synapse/admin/v1/register'
const server = (sharedSecret?: string) =>
  accountServer(sharedSecretRoutes, { registration: { enabled: false }, ...(sharedSecret !== undefined && { sharedSecret }) })
type Server = Awaited<ReturnType<typeof server>>

const codeOf = (...parts: string[]) => createHmac('sha1', 'reg_secret').update(parts.join('\0')).digest('hex')
const nonceOf = async (hs: Server) => String((await hs.call('GET', PATH)).json.nonce)

/** As the tool does it. */
async function register(hs: Server, username: string, admin: boolean, change: Record<string, unknown> = {}) {
  const nonce = await nonceOf(hs)
  const mac = codeOf(nonce, username, 'pässword', admin ? 'admin' : 'notadmin')
  return hs.call('POST', PATH, {
    nonce,
    username,
    displayname: username,
    password: 'pässword',
    mac,
    admin,
    user_type: null,
    ...change,
  })
}

describe('registration by a shared secret', () => {
  for (const admin of [true, false]) {
    test(`makes ${admin ? 'an administrator' : 'a user'}`, async () => {
      await using hs = await server('reg_secret')
      const { status, json } = await register(hs, 'aliceA', admin)
      assert.deepEqual([status, json.user_id, json.home_server], [200, '@alicea:example.org', 'example.org'])
      const use = { address: '', userAgent: undefined }
      const requester = await hs.services.accessTokens.authenticate(String(json.access_token), use)
      assert.equal(requester.isAdmin, admin)
      assert.equal(requester.deviceId, json.device_id)
      assert.deepEqual(await hs.services.profiles.get(requester.userId), { displayname: 'aliceA' })
    })
  }

  test('covers the user type', async () => {
    await using hs = await server('reg_secret')
    const nonce = await nonceOf(hs)
    const body = {
      nonce,
      username: 'bot',
      password: 'p',
      admin: false,
      user_type: 'bot',
      mac: codeOf(nonce, 'bot', 'p', 'notadmin', 'bot'),
    }
    assert.equal((await hs.call('POST', PATH, body)).status, 200)
  })

  test('takes a nonce once', async () => {
    await using hs = await server('reg_secret')
    const nonce = await nonceOf(hs)
    const attempt = (username: string) =>
      hs.call('POST', PATH, { nonce, username, password: 'p', mac: codeOf(nonce, username, 'p', 'notadmin') })
    const answers = await Promise.all([attempt('alice'), attempt('bob')])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400])
    assert.equal((await register(hs, 'eve', false, { nonce: 'made up' })).status, 400)
  })

  test('takes a nonce for a minute', async () => {
    await using hs = await server('reg_secret')
    const nonce = await nonceOf(hs)
    hs.clock.later(60_000)
    const body = { nonce, username: 'alice', password: 'p', mac: codeOf(nonce, 'alice', 'p', 'notadmin') }
    assert.deepEqual((await hs.call('POST', PATH, body)).json.errcode, 'M_INVALID_PARAM')
  })

  test('refuses another code, another role, and boundaries that were moved', async () => {
    await using hs = await server('reg_secret')
    assert.equal((await register(hs, 'alice', true, { mac: codeOf('x') })).json.errcode, 'M_FORBIDDEN')
    assert.equal((await register(hs, 'alice', true, { mac: '' })).json.errcode, 'M_FORBIDDEN')
    assert.equal((await register(hs, 'alice', false, { admin: true })).json.errcode, 'M_FORBIDDEN')
    const moved = { username: 'alice', password: 'pässword\0notadmin', admin: false }
    assert.equal((await register(hs, 'alice', false, moved)).json.errcode, 'M_INVALID_PARAM')
    assert.equal((await register(hs, 'us,er', false)).json.errcode, 'M_INVALID_USERNAME')
    assert.equal(await hs.services.registration.hasAccounts(), false)
  })

  test('is off without a secret', async () => {
    await using hs = await server()
    assert.deepEqual((await hs.call('GET', PATH)).json.errcode, 'M_FORBIDDEN')
    assert.deepEqual((await register(hs, 'alice', true)).json.errcode, 'M_FORBIDDEN')
  })
})
