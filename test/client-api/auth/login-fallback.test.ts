/** The page that logs in for clients: what it is made of, and what its script does to a client that has put in its hook. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import type { JsonObject } from '../../../schemas/json.ts'
import { parseJson } from '../../../src/core/json-text.ts'
import { testHomeserver, type TestHomeserver } from '../../support/homeserver.ts'
import { call } from '../../support/user.ts'

const PATH = '/_matrix/static/client/login/'
const CAS = { sso: { cas: { server_url: 'https://cas.example/' } } }

async function pageOf(hs: TestHomeserver, query: Record<string, string> = {}) {
  const response = await fetch(`${hs.url}${PATH}?${new URLSearchParams(query)}`)
  const text = await response.text()
  const [script, ...others] = [...text.matchAll(/<script>(.*?)<\/script>/gs)].map(([, code]) => code ?? '')
  assert.deepEqual(others, [])
  return { status: response.status, text, script, policy: response.headers.get('content-security-policy') ?? '' }
}

/** What the script sees of a page: elements, by what it asks for them with. */
function elementsOf(text: string, fields: Record<string, string>) {
  const request = /data-request="([^"]*)"/.exec(text)?.[1] ?? ''
  const unescaped = request.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  const listeners: ((event: object) => Promise<void>)[] = []
  const [mistake, button, h1, ways] = [{ textContent: '' }, { disabled: false }, { textContent: '' }, { textContent: '' }]
  const form = {
    dataset: { request: unescaped },
    elements: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value }])),
    querySelector: (what: string) => (what === 'button' ? button : mistake),
    addEventListener: (_: string, listener: (event: object) => Promise<void>) => listeners.push(listener),
  }
  const querySelector = (what: string) => (what === 'form' ? form : what === 'h1' ? h1 : ways)
  return { querySelector, mistake, ways, submit: () => listeners[0]?.({ preventDefault: () => {} }) }
}

/** Fills in the form; gives what the client's hook is called with, and what the page then says. */
async function logInOn(hs: TestHomeserver, page: { text: string; script: string | undefined }, fields: Record<string, string>) {
  const document = elementsOf(page.text, fields)
  const given: JsonObject[] = []
  const window: { matrixLogin?: { onLogin?: (answer: JsonObject) => void } } = {}
  const fetchHere = (path: string, init: RequestInit) => fetch(`${hs.url}${path}`, init)
  runInNewContext(page.script ?? '', { document, window, fetch: fetchHere, console })
  // As apps do it: once the page is there.
  if (window.matrixLogin) window.matrixLogin.onLogin = (answer) => given.push(answer)
  await document.submit()
  return { given, mistake: document.mistake.textContent, said: document.ways.textContent }
}

test('it runs its own script only, and may call nothing but this server', async () => {
  await using hs = await testHomeserver()
  const { status, text, script, policy } = await pageOf(hs, { device_id: '"><b>' })
  assert.equal(status, 200)
  assert.ok(policy.startsWith("default-src 'none'; "))
  assert.ok(policy.endsWith(`; script-src 'sha256-${hash('sha256', script ?? '', 'base64')}'; connect-src 'self'`))
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
