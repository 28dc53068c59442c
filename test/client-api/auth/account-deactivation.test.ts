import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountDeactivationRoutes } from '../../../src/client-api/auth/account-deactivation.ts'
import { loginRoutes } from '../../../src/client-api/auth/login.ts'
import { registrationRoutes } from '../../../src/client-api/auth/registration.ts'
import { whoamiRoutes } from '../../../src/client-api/auth/whoami.ts'
import { profileRoutes } from '../../../src/client-api/user-data/profile.ts'
import { GLOBAL } from '../../../src/storage/account-data.ts'
import { type AccountServices, accountServer, type AccountsOptions, passwordAuth } from '../../support/accounts.ts'

const routes = (services: AccountServices) => [
  ...accountDeactivationRoutes(services),
  ...loginRoutes(services),
  ...registrationRoutes(services),
  ...profileRoutes(services),
  ...whoamiRoutes(),
]
const server = (options?: AccountsOptions) => accountServer(routes, options)

test('the account is closed for good', async () => {
  const left: string[] = []
  await using hs = await server({ leaveAllRooms: async (userId) => void left.push(userId) })
  const alice = await hs.user('alice')
  const closed = await hs.call('POST', 'account/deactivate', { auth: passwordAuth(alice) }, alice)
  assert.deepEqual([closed.status, closed.json], [200, { id_server_unbind_result: 'success' }])
  assert.deepEqual(left, [alice.userId])
  assert.equal((await hs.call('GET', 'account/whoami', undefined, alice)).json.errcode, 'M_UNKNOWN_TOKEN')
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: alice.password }
  assert.equal((await hs.call('POST', 'login', login)).json.errcode, 'M_FORBIDDEN')
  const again = { username: 'alice', password: 'x', auth: { type: 'm.login.dummy' } }
  assert.equal((await hs.call('POST', 'register', again)).json.errcode, 'M_USER_IN_USE')
  assert.deepEqual((await hs.call('GET', `profile/${alice.userId}`)).json, { displayname: 'alice' })
})

test('a wrong password closes nothing', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const wrong = await hs.call('POST', 'account/deactivate', { auth: passwordAuth(alice, 'guess') }, alice)
  assert.equal(wrong.status, 401)
  assert.deepEqual(Object.keys(wrong.json).sort(), ['completed', 'errcode', 'error', 'flows', 'params', 'session'])
  assert.equal(wrong.json.errcode, 'M_FORBIDDEN')
  assert.equal((await hs.call('POST', 'account/deactivate', '', alice)).status, 401)
  assert.equal((await hs.call('GET', 'account/whoami', undefined, alice)).status, 200)
})

test('with erase, the profile and account data go too', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const { accounts, accountData, db } = hs.services
  const { userNid } = (await accounts.find(alice.userId as never)) ?? assert.fail()
  await db.write((batch) => accountData.set(batch, userNid, GLOBAL, 'org.example.notes', '{}'))
  await hs.call('POST', 'account/deactivate', { erase: true, auth: passwordAuth(alice) }, alice)
  assert.deepEqual((await hs.call('GET', `profile/${alice.userId}`)).json, {})
  assert.deepEqual(await accountData.ofUser(userNid), [])
  const account = await accounts.find(alice.userId as never)
  assert.deepEqual([account?.isDeactivated, account?.isErased, account?.passwordHash], [true, true, null])
})

test('agreeing to close the account is not agreeing to erase it', async () => {
  await using hs = await server()
  const alice = await hs.user('alice')
  const { session } = (await hs.call('POST', 'account/deactivate', {}, alice)).json
  const auth = { ...passwordAuth(alice), session }
  assert.equal((await hs.call('POST', 'account/deactivate', { erase: true, auth }, alice)).json.errcode, 'M_FORBIDDEN')
  assert.equal((await hs.call('POST', 'account/deactivate', { auth }, alice)).status, 200)
})

test('who has not left all rooms when the server stops leaves them after its next start', async () => {
  let isStopping = true
  const left: string[] = []
  const leaveAllRooms = async (userId: string) => {
    if (isStopping) throw new Error('stopping')
    left.push(userId)
  }
  await using hs = await server({ leaveAllRooms })
  const alice = await hs.user('alice')
  assert.equal((await hs.call('POST', 'account/deactivate', { auth: passwordAuth(alice) }, alice)).status, 500)
  isStopping = false
  await hs.services.deactivation.resume()
  await hs.services.deactivation.resume()
  assert.deepEqual(left, [alice.userId])
})
