/** The page that logs in for clients: what it is made of, and what its script does to a client that has put in its hook. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { parseJson } from '../../../src/core/json-text.ts'
import { type ClientPage, clientPage, submit } from '../../support/client-page.ts'
import { testHomeserver, type TestHomeserver } from '../../support/homeserver.ts'
import { call } from '../../support/user.ts'

const PATH = '/_matrix/static/client/login/'
const CAS = { sso: { cas: { server_url: 'https://cas.example/' } } }

const pageOf = (hs: TestHomeserver, query: Record<string, string> = {}) => clientPage(hs, PATH, query)

/** Fills in the form; gives what the client's hook is called with, and what the page then says. */
async function logInOn(hs: TestHomeserver, page: ClientPage, fields: Record<string, string>) {
  const given: JsonObject[] = []
  const said = await submit(hs, page, fields, ({ matrixLogin }) => {
    if (matrixLogin) matrixLogin['onLogin'] = (answer: JsonObject) => given.push(answer)
  })
  return { given, ...said }
}

test('it runs its own script only, and may call nothing but this server', async () => {
  await using hs = await testHomeserver()
  const { status, text, script, policy } = await pageOf(hs, { device_id: '"><b>' })
  assert.equal(status, 200)
  assert.ok(policy.startsWith("default-src 'none'; "))
  // Apps are told of logins by frames at addresses of this scheme.
  assert.ok(policy.endsWith(`; script-src 'sha256-${hash('sha256', script, 'base64')}'; connect-src 'self'; frame-src js:`))
  assert.ok(!text.includes('<b>'))
  assert.equal((await fetch(`${hs.url}${PATH.slice(0, -1)}`)).status, 200)
})

test('it logs in with a password, and hands over what /login answers', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  const page = await pageOf(hs, { device_id: 'GHTYAJCE', initial_device_display_name: 'An "old" phone', refresh_token: 'true' })
  const wrong = await logInOn(hs, page, { user: 'alice', password: 'nonsense' })
  assert.deepEqual([wrong.given, wrong.mistake], [[], 'The user name or the password is wrong'])
  const { given, mistake, said } = await logInOn(hs, page, { user: ' alice ', password: "alice's password" })
  assert.deepEqual([mistake, said], ['', 'You can close this page and go back to your client.'])
  const [answer, another] = given
  assert.deepEqual([answer?.['user_id'], answer?.['device_id'], another], [alice.id, 'GHTYAJCE', undefined])
  assert.equal(typeof answer?.['refresh_token'], 'string')
  const { devices } = (await call(hs, 'GET', 'devices', undefined, String(answer?.['access_token']))).body
  assert.ok(JSON.stringify(devices).includes(JSON.stringify('An "old" phone')))
})

test('it leads to single sign-on, and goes on with the token that comes back', async () => {
  await using hs = await testHomeserver({ config: CAS })
  const alice = await hs.user('alice')
  const { text } = await pageOf(hs, { device_id: 'GHTYAJCE' })
  const link = /href="([^"]*sso[^"]*)"/.exec(text)?.[1]?.replaceAll('&#38;', '&') ?? ''
  const back = new URL(new URL(link, hs.url).searchParams.get('redirectUrl') ?? '')
  assert.equal(back.href, `${hs.url}${PATH}?device_id=GHTYAJCE`)
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.id }, password: "alice's password" }
  const { login_token } = await alice.ok('POST', '/_matrix/client/v1/login/get_token', { auth })
  back.searchParams.set('loginToken', String(login_token))
  const page = await pageOf(hs, Object.fromEntries(back.searchParams))
  const { given } = await logInOn(hs, page, {})
  assert.deepEqual([given[0]?.['user_id'], given[0]?.['device_id']], [alice.id, 'GHTYAJCE'])
  const again = await logInOn(hs, page, {})
  assert.deepEqual(again.given, [])
  assert.notEqual(again.mistake, '')
})

test('it forwards no credentials of the address', async () => {
  await using hs = await testHomeserver()
  const { text } = await pageOf(hs, { password: 'secret', user: 'alice', type: 'm.login.other' })
  const request = /data-request="([^"]*)"/.exec(text)?.[1]?.replaceAll('&#34;', '"') ?? ''
  assert.deepEqual(parseJson(request), { type: 'm.login.password' })
})
