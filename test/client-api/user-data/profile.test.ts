import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { registrationRoutes } from '../../../src/client-api/auth/registration.ts'
import { profileRoutes } from '../../../src/client-api/user-data/profile.ts'
import { notFound } from '../../../src/core/errors.ts'
import { type AccountServices, accountServer, type AccountsOptions } from '../../support/accounts.ts'

const routes = (services: AccountServices) => [...profileRoutes(services), ...registrationRoutes(services)]
const server = (options?: AccountsOptions) => accountServer(routes, options)

/** Another server, with one user. */
const remote = {
  query: async (userId: string, field?: string) => {
    if (userId !== '@bob:remote.example') throw notFound()
    if (field === 'displayname') return { displayname: 'Bob' }
    return field === 'org.example.unknown' ? {} : { displayname: 'Bob', 'm.tz': 'UTC' }
  },
}

describe('a profile', () => {
  test('begins with the localpart as display name', async () => {
    await using hs = await server()
    const { userId } = await hs.user('alice')
    assert.deepEqual((await hs.call('GET', `profile/${userId}`)).json, { displayname: 'alice' })
    assert.deepEqual((await hs.call('GET', `profile/${userId}/displayname`)).json, { displayname: 'alice' })
    assert.deepEqual((await hs.call('GET', `profile/${userId}/avatar_url`)).json, {})
  })

  for (const [field, value] of Object.entries({
    displayname: 'Älice 🦊',
    avatar_url: 'mxc://example.org/abc',
    'm.tz': 'Europe/London',
    'org.example.job_title': { title: 'Captain', since: [2020, null] },
    'org.my-example.2nd-job': 'Cook',
    'org.example.nothing': null,
  })) {
    test(`holds ${field}, until it is deleted`, async () => {
      const heard: unknown[] = []
      await using hs = await server({ onProfileChanged: async (...change) => void heard.push(change) })
      const alice = await hs.user('alice')
      const path = `profile/${alice.userId}/${field}`
      assert.deepEqual((await hs.call('PUT', path, { [field]: value }, alice)).json, {})
      assert.deepEqual((await hs.call('PUT', path, { [field]: value }, alice)).json, {})
      assert.deepEqual((await hs.call('GET', path)).json, { [field]: value })
      assert.deepEqual((await hs.call('GET', `profile/${alice.userId}`)).json, { displayname: 'alice', [field]: value })
      assert.deepEqual((await hs.call('DELETE', path, undefined, alice)).json, {})
      assert.deepEqual((await hs.call('DELETE', path, undefined, alice)).json, {})
      const expected = field === 'displayname' || field === 'avatar_url' ? 200 : 404
      assert.equal((await hs.call('GET', path)).status, expected)
      assert.deepEqual(heard, [
        [alice.userId, field],
        [alice.userId, field],
      ])
    })
  }

  test('has no empty display name', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    await hs.call('PUT', `profile/${alice.userId}/displayname`, { displayname: '' }, alice)
    assert.deepEqual((await hs.call('GET', `profile/${alice.userId}`)).json, {})
  })

  test('is kept within bounds', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const put = async (field: string, body: object) =>
      (await hs.call('PUT', `profile/${alice.userId}/${field}`, { ...body }, alice)).json.errcode ?? 'ok'
    assert.equal(await put('displayname', { avatar_url: 'x' }), 'M_MISSING_PARAM')
    assert.equal(await put('displayname', { displayname: 5 }), 'M_INVALID_PARAM')
    assert.equal(await put('displayname', { displayname: null }), 'M_INVALID_PARAM')
    assert.equal(await put('displayname', { displayname: 'x'.repeat(257) }), 'M_INVALID_PARAM')
    assert.equal(await put('UPPER.case', { 'UPPER.case': 1 }), 'M_INVALID_PARAM')
    assert.equal(await put('nodot', { nodot: 1 }), 'M_INVALID_PARAM')
    assert.equal(await put('__proto__', JSON.parse('{"__proto__": 1}')), 'M_INVALID_PARAM')
    const long = `org.${'a'.repeat(252)}`
    assert.equal(await put(long, { [long]: 1 }), 'M_KEY_TOO_LARGE')
    const half = 'x'.repeat(32_000)
    assert.equal(await put('org.one', { 'org.one': half }), 'ok')
    const both = await Promise.all([put('org.two', { 'org.two': half }), put('org.three', { 'org.three': half })])
    assert.deepEqual(both.sort(), ['M_PROFILE_TOO_LARGE', 'ok'])
  })

  test('is changed by its owner only', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const bob = await hs.user('bob')
    const path = `profile/${alice.userId}/displayname`
    assert.equal((await hs.call('PUT', path, { displayname: 'Eve' }, bob)).json.errcode, 'M_FORBIDDEN')
    assert.equal((await hs.call('DELETE', path, undefined, bob)).json.errcode, 'M_FORBIDDEN')
    assert.equal((await hs.call('PUT', path, { displayname: 'Eve' })).json.errcode, 'M_MISSING_TOKEN')
    await hs.services.moderation.setSuspended(alice.userId as never, true)
    assert.equal((await hs.call('PUT', path, { displayname: 'Eve' }, alice)).json.errcode, 'M_USER_SUSPENDED')
  })

  test('of a guest is a display name', async () => {
    await using hs = await server()
    const { user_id, access_token } = (await hs.call('POST', 'register?kind=guest', {})).json
    const guest = { token: String(access_token) }
    const put = async (field: string) =>
      (await hs.call('PUT', `profile/${String(user_id)}/${field}`, { [field]: 'x' }, guest)).json
    assert.deepEqual(await put('displayname'), {})
    assert.equal((await put('avatar_url')).errcode, 'M_GUEST_ACCESS_FORBIDDEN')
  })

  test('of nobody is not found', async () => {
    await using hs = await server()
    for (const path of ['profile/@nobody:example.org', 'profile/@nobody:example.org/displayname']) {
      assert.equal((await hs.call('GET', path)).json.errcode, 'M_NOT_FOUND')
    }
  })

  test('of a user elsewhere is asked for there', async () => {
    await using hs = await server({ remote })
    assert.deepEqual((await hs.call('GET', 'profile/@bob:remote.example')).json, { displayname: 'Bob', 'm.tz': 'UTC' })
    assert.deepEqual((await hs.call('GET', 'profile/@bob:remote.example/displayname')).json, { displayname: 'Bob' })
    assert.deepEqual((await hs.call('GET', 'profile/@bob:remote.example/m.tz')).json, { 'm.tz': 'UTC' })
    assert.deepEqual((await hs.call('GET', 'profile/@bob:remote.example/avatar_url')).json, {})
    assert.equal((await hs.call('GET', 'profile/@bob:remote.example/org.example.unknown')).json.errcode, 'M_NOT_FOUND')
    assert.equal((await hs.call('GET', 'profile/@eve:remote.example')).status, 404)
  })

  test('is served under the name from before it was in the specification', async () => {
    await using hs = await server()
    const alice = await hs.user('alice')
    const path = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${alice.userId}`
    await hs.call('PUT', `${path}/us.cloke.msc4175.tz`, { 'us.cloke.msc4175.tz': 'UTC' }, alice)
    assert.deepEqual((await hs.call('GET', path)).json, { displayname: 'alice', 'us.cloke.msc4175.tz': 'UTC' })
  })
})
