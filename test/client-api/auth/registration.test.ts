import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loginRoutes } from '../../../src/client-api/auth/login.ts'
import { logoutRoutes } from '../../../src/client-api/auth/logout.ts'
import { registrationRoutes } from '../../../src/client-api/auth/registration.ts'
import { whoamiRoutes } from '../../../src/client-api/auth/whoami.ts'
import { registrationFlows } from '../../../src/users/register.ts'
import { type AccountServices, accountServer, type AccountsOptions } from '../../support/accounts.ts'

const routes = (services: AccountServices) => [
  ...registrationRoutes(services),
  ...loginRoutes(services),
  ...logoutRoutes(services),
  ...whoamiRoutes(),
]
const server = (options?: AccountsOptions) => accountServer(routes, options)
const DUMMY = { type: 'm.login.dummy' }

describe('registration', () => {
  test('asks for authentication first, then makes the account and logs it in', async () => {
    await using hs = await server()
    const asked = await hs.call('POST', 'register', { username: 'alice', password: 's3cret' })
    assert.equal(asked.status, 401)
    const { session, ...rest } = asked.json
    assert.deepEqual(rest, { flows: [{ stages: ['m.login.dummy'] }], params: {}, completed: [] })

    const made = await hs.call('POST', 'register', { username: 'alice', password: 's3cret', auth: { ...DUMMY, session } })
    assert.equal(made.status, 200)
    assert.equal(made.json.user_id, '@alice:example.org')
    assert.equal(made.json.home_server, 'example.org')
    const who = await hs.call('GET', 'account/whoami', undefined, { token: String(made.json.access_token) })
    assert.deepEqual(who.json, { user_id: '@alice:example.org', device_id: made.json.device_id, is_guest: false })
  })

  test('in one request, with the device that the client wants', async () => {
    await using hs = await server()
    const made = await hs.call('POST', 'register', { username: 'Alice', password: 'übers3kr1t', device_id: 'PHONE', auth: DUMMY })
    assert.equal(made.json.user_id, '@alice:example.org')
    assert.equal(made.json.device_id, 'PHONE')
  })

  test('picks a name where none is asked for, and gives it a display name', async () => {
    await using hs = await server()
    const made = await hs.call('POST', 'register', { password: 's3cret', auth: DUMMY })
    assert.match(String(made.json.user_id), /^@[a-z]{16}:example\.org$/)
    const profile = await hs.services.profiles.get(String(made.json.user_id) as never)
    assert.deepEqual(profile, { displayname: String(made.json.user_id).slice(1, 17) })
  })

  test('remembers what the first request of a session asked for', async () => {
    await using hs = await server()
    const body = { username: 'alice', password: 's3cret', device_id: 'xyzzy', initial_device_display_name: 'phone' }
    const { session } = (await hs.call('POST', 'register', body)).json
    const made = await hs.call('POST', 'register', { auth: { ...DUMMY, session } })
    assert.equal(made.json.user_id, '@alice:example.org')
    assert.equal(made.json.device_id, 'xyzzy')
    assert.equal((await hs.call('POST', 'login', passwordLogin('alice', 's3cret'))).status, 200)
  })

  test('answers a repeated request of a session with the same user', async () => {
    await using hs = await server()
    const body = { username: 'alice', password: 's3cret' }
    const { session } = (await hs.call('POST', 'register', body)).json
    const full = { ...body, auth: { ...DUMMY, session } }
    const [first, second] = await Promise.all([hs.call('POST', 'register', full), hs.call('POST', 'register', full)])
    assert.deepEqual([first?.status, second?.status], [200, 200])
    assert.equal(first?.json.user_id, second?.json.user_id)
    assert.equal((await hs.call('POST', 'register', full)).json.user_id, '@alice:example.org')
  })

  test('forgets a session after its time', async () => {
    await using hs = await server()
    const { session } = (await hs.call('POST', 'register', { username: 'alice', password: 's3cret' })).json
    hs.clock.later(60 * 60_000)
    const late = await hs.call('POST', 'register', { auth: { session } })
    assert.equal(late.status, 401)
    assert.notEqual(late.json.session, session)
  })

  test('without a login gives no token', async () => {
    await using hs = await server()
    const made = await hs.call('POST', 'register', { username: 'alice', password: 's3cret', inhibit_login: true, auth: DUMMY })
    assert.deepEqual(made.json, { user_id: '@alice:example.org', home_server: 'example.org' })
  })

  test('needs a password', async () => {
    await using hs = await server()
    assert.equal((await hs.call('POST', 'register', { username: 'alice', auth: DUMMY })).json.errcode, 'M_MISSING_PARAM')
    assert.equal(
      (await hs.call('POST', 'register', { username: 'alice', password: '', auth: DUMMY })).json.errcode,
      'M_WEAK_PASSWORD',
    )
  })

  test('lets one of many have a name', async () => {
    await using hs = await server()
    const attempts = Array.from({ length: 8 }, (_, i) =>
      hs.call('POST', 'register', { username: i % 2 ? 'alice' : 'ALICE', password: 's3cret', auth: DUMMY }),
    )
    const outcomes = (await Promise.all(attempts)).map(({ json }) => json.errcode ?? 'ok')
    assert.deepEqual(outcomes.sort(), [...Array.from({ length: 7 }, () => 'M_USER_IN_USE'), 'ok'])
    const { json } = await hs.call('POST', 'register', { username: 'alice', password: 's3cret' })
    assert.equal(json.errcode, 'M_USER_IN_USE', 'is told before authentication')
  })

  for (const character of '!":?\\@[]{|}£é\n\' ') {
    test(`refuses names with ${JSON.stringify(character)}`, async () => {
      await using hs = await server()
      const answer = await hs.call('POST', 'register', { username: `name-${character}`, password: 's3cret', auth: DUMMY })
      assert.deepEqual([answer.status, answer.json.errcode], [400, 'M_INVALID_USERNAME'])
    })
  }

  test('allows all characters of the grammar, up to 255 bytes', async () => {
    await using hs = await server()
    const made = await hs.call('POST', 'register', { username: 'q3._=-/+', password: 's3cret', auth: DUMMY })
    assert.equal(made.json.user_id, '@q3._=-/+:example.org')
    const available = async (length: number) => hs.call('GET', `register/available?username=${'a'.repeat(length)}`)
    assert.deepEqual((await available(242)).json, { available: true })
    assert.equal((await available(243)).json.errcode, 'M_INVALID_USERNAME')
  })

  test('keeps names that application services have for themselves', async () => {
    await using hs = await server({ isReserved: (userId) => userId.startsWith('@irc_') })
    const answer = await hs.call('POST', 'register', { username: 'irc_bob', password: 's3cret', auth: DUMMY })
    assert.deepEqual([answer.status, answer.json.errcode], [400, 'M_EXCLUSIVE'])
    assert.equal((await hs.call('GET', 'register/available?username=irc_bob')).json.errcode, 'M_EXCLUSIVE')
  })

  test('can be closed', async () => {
    await using hs = await server({ registration: { enabled: false, allowGuests: false } })
    for (const path of ['register', 'register?kind=guest']) {
      const answer = await hs.call('POST', path, { username: 'alice', password: 's3cret', auth: DUMMY })
      assert.deepEqual([answer.status, answer.json.errcode], [403, 'M_FORBIDDEN'])
    }
  })

  test('with a registration token works as often as the token allows', async () => {
    await using hs = await server({ registration: { flows: [['m.login.registration_token']] } })
    const { registrationTokens } = hs.services
    await hs.db.write((batch) => registrationTokens.add(batch, 'sesame', 2, null))
    await hs.db.write((batch) => registrationTokens.add(batch, 'stale', null, hs.clock.now()))
    const attempt = (username: string, token: string) =>
      hs.call('POST', 'register', { username, password: 's3cret', auth: { type: 'm.login.registration_token', token } })
    assert.deepEqual([(await attempt('mallory', 'guess')).status, (await attempt('mallory', 'stale')).status], [401, 401])
    const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => attempt(name, 'sesame')))
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), [200, 200, 401, 401])
    assert.equal((await attempt('e', 'sesame')).json.errcode, 'M_UNAUTHORIZED')
  })
})

describe('guests', () => {
  test('get an account without a name or a password', async () => {
    await using hs = await server()
    const guest = await hs.call('POST', 'register?kind=guest', { username: 'ignored', device_id: 'ignored' })
    assert.match(String(guest.json.user_id), /^@[a-z]{16}:example\.org$/)
    assert.notEqual(guest.json.device_id, 'ignored')
    const who = await hs.call('GET', 'account/whoami', undefined, { token: String(guest.json.access_token) })
    assert.equal(who.json.is_guest, true)
    assert.equal(await hs.services.registration.hasAccounts(), false)
  })

  test('become users by registering with their name and token', async () => {
    await using hs = await server()
    const guest = (await hs.call('POST', 'register?kind=guest', {})).json
    const username = String(guest.user_id).slice(1, 17)
    const body = { username, password: 's3cret', guest_access_token: guest.access_token }
    assert.equal((await hs.call('POST', 'register', body)).status, 401)
    const attempts = [1, 2].map(() => hs.call('POST', 'register', { ...body, auth: DUMMY }))
    const [user] = (await Promise.all(attempts)).filter(({ status }) => status === 200)
    assert.equal(user?.json.user_id, guest.user_id)
    const whoami = async (token: unknown) => hs.call('GET', 'account/whoami', undefined, { token: String(token) })
    assert.equal((await whoami(user?.json.access_token)).json.is_guest, false)
    assert.equal((await whoami(guest.access_token)).json.errcode, 'M_UNKNOWN_TOKEN')
    assert.equal((await hs.call('POST', 'login', passwordLogin(username, 's3cret'))).status, 200)
  })

  test('cannot become anybody else', async () => {
    await using hs = await server()
    const [one, two] = await Promise.all([1, 2].map(async () => (await hs.call('POST', 'register?kind=guest', {})).json))
    const alice = await hs.user('alice')
    const attempt = (username: string, token: unknown) =>
      hs.call('POST', 'register', { username, password: 's3cret', guest_access_token: token, auth: DUMMY })
    assert.equal((await attempt(String(one?.user_id).slice(1, 17), two?.access_token)).status, 400)
    assert.equal((await attempt('alice', two?.access_token)).status, 400)
    assert.equal((await attempt('alice', alice.token)).json.errcode, 'M_FORBIDDEN')
  })
})

describe('accounts made by administrators', () => {
  test('need no open registration', async () => {
    await using hs = await server({ registration: { enabled: false } })
    const { registration } = hs.services
    assert.equal(await registration.hasAccounts(), false)
    assert.deepEqual(await registration.createAccount({ localpart: 'Alice', password: 's3cret' }), {
      user_id: '@alice:example.org',
      home_server: 'example.org',
    })
    assert.equal(await registration.hasAccounts(), true)
    await assert.rejects(registration.createAccount({ localpart: 'alice' }), { errcode: 'M_USER_IN_USE' })
    await assert.rejects(registration.createAccount({ localpart: 'a b' }), { errcode: 'M_INVALID_USERNAME' })
  })

  test('are one when the server is set up, whoever tries at the same time', async () => {
    await using hs = await server()
    const { registration, accounts } = hs.services
    const attempts = ['a', 'b', 'c'].map((localpart) => registration.createFirstAdmin({ localpart, password: 's3cret' }))
    const outcomes = (await Promise.allSettled(attempts)).map(({ status }) => status)
    assert.deepEqual(outcomes, ['fulfilled', 'rejected', 'rejected'])
    assert.equal((await accounts.find('@a:example.org' as never))?.isAdmin, true)
  })
})

test('the flows of registration follow from what is configured', () => {
  assert.deepEqual(flowsOf(false, false, false), ['dummy'])
  assert.deepEqual(flowsOf(false, false, true), ['dummy', 'email.identity'])
  assert.deepEqual(flowsOf(true, false, false), ['registration_token'])
  assert.deepEqual(flowsOf(true, false, true), ['email.identity', 'registration_token'])
  assert.deepEqual(flowsOf(true, true, false), ['recaptcha dummy'])
  assert.deepEqual(flowsOf(true, true, true), ['recaptcha dummy', 'recaptcha email.identity'])
})

function flowsOf(requireVerification: boolean, recaptcha: boolean, email: boolean): string[] {
  const flows = registrationFlows({ requireVerification, recaptcha, email })
  return flows.map((stages) => stages.map((stage) => stage.slice('m.login.'.length)).join(' '))
}

function passwordLogin(user: string, password: string) {
  return { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password }
}
