import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loginRoutes } from '../../../src/client-api/auth/login.ts'
import { passwordManagementRoutes } from '../../../src/client-api/auth/password-management.ts'
import { whoamiRoutes } from '../../../src/client-api/auth/whoami.ts'
import { type AccountServices, accountServer, passwordAuth, type TestUser } from '../../support/accounts.ts'

const routes = (services: AccountServices) => [...passwordManagementRoutes(services), ...loginRoutes(services), ...whoamiRoutes()]
const server = () => accountServer(routes)
type Server = Awaited<ReturnType<typeof server>>

const logIn = async (hs: Server, { userId }: TestUser, password: string) => {
  const answer = await hs.call('POST', 'login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: userId },
    password,
  })
  return { status: answer.status, token: String(answer.json.access_token) }
}
const whoami = async (hs: Server, token: string) => (await hs.call('GET', 'account/whoami', undefined, { token })).status

test('the new password counts and the old one does not', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const changed = await hs.call('POST', 'account/password', { new_password: 'new', auth: passwordAuth(alice) }, alice)
  assert.deepEqual([changed.status, changed.json], [200, {}])
  assert.equal((await logIn(hs, alice, alice.password)).status, 403)
  assert.equal((await logIn(hs, alice, 'new')).status, 200)
})

test('other sessions end, this one does not', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const other = await logIn(hs, alice, alice.password)
  await hs.call('POST', 'account/password', { new_password: 'new', auth: passwordAuth(alice) }, alice)
  assert.deepEqual([await whoami(hs, alice.token), await whoami(hs, other.token)], [200, 401])
})

test('other sessions stay if that is asked for', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const other = await logIn(hs, alice, alice.password)
  const body = { new_password: 'new', logout_devices: false, auth: passwordAuth(alice) }
  await hs.call('POST', 'account/password', body, alice)
  assert.deepEqual([await whoami(hs, alice.token), await whoami(hs, other.token)], [200, 200])
})

test('no session in `auth` may be told as null, as Element X does', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const auth = { ...passwordAuth(alice), session: null }
  assert.equal((await hs.call('POST', 'account/password', { new_password: 'new', auth }, alice)).status, 200)
})

test('nobody changes it without the old one', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const eve = await hs.user('eve')
  const attempt = (auth: object | undefined, user?: TestUser) =>
    hs.call('POST', 'account/password', { new_password: 'new', ...(auth && { auth }) }, user)
  const wrong = await attempt(passwordAuth(alice, 'guess'), alice)
  assert.deepEqual([wrong.status, wrong.json.errcode], [401, 'M_FORBIDDEN'])
  const asked = await attempt(undefined, alice)
  assert.deepEqual([asked.status, asked.json.flows], [401, [{ stages: ['m.login.password'] }]])
  assert.equal((await attempt(passwordAuth(eve), alice)).status, 403)
  assert.equal((await attempt({ type: 'm.login.dummy' }, alice)).status, 401)
  assert.equal((await attempt(passwordAuth(alice))).json.errcode, 'M_MISSING_TOKEN')
  assert.equal((await logIn(hs, alice, alice.password)).status, 200)
})

test('an empty or endless password is refused before anything is asked', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  assert.equal((await hs.call('POST', 'account/password', { new_password: '' }, alice)).json.errcode, 'M_WEAK_PASSWORD')
  const endless = await hs.call('POST', 'account/password', { new_password: 'x'.repeat(513) }, alice)
  assert.deepEqual([endless.status, endless.json.errcode], [400, 'M_INVALID_PARAM'])
})

test('a login with the old password that is under way while it changes opens no session', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const change = hs.call('POST', 'account/password', { new_password: 'new', auth: passwordAuth(alice) }, alice)
  const logins = await Promise.all(Array.from({ length: 10 }, () => logIn(hs, alice, alice.password)))
  assert.equal((await change).status, 200)
  for (const { status, token } of logins) if (status === 200) assert.equal(await whoami(hs, token), 401)
})
