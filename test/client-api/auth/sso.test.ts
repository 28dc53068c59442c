/** Login through CAS, login tokens, and the pages of user-interactive authentication. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { type TestHomeserver, testHomeserver } from '../../support/homeserver.ts'
import { call, TestUser } from '../../support/user.ts'
import { webServer } from '../../support/web-server.ts'

const CLIENT = 'https://client.example/?p=http%3A%2F%2Fserver#/home'
const SERVICE = '/_matrix/client/r0/login/cas/ticket'

/** Tickets are good that say whose they are: `ticket of alice`, or `proxy ticket of alice` where another service has got it. */
async function serverWithCas() {
  const stack = new AsyncDisposableStack()
  const cas = stack.use(
    await webServer(({ url }) => {
      const ticket = url.searchParams.get('ticket') ?? ''
      const [, proxy, user] = /^(proxy )?ticket of (.*)$/.exec(ticket) ?? []
      const proxies = proxy === undefined ? '' : '<cas:proxies><cas:proxy>https://portal.example/pgt</cas:proxy></cas:proxies>'
      const answer =
        user === undefined ? `<cas:authenticationFailure>${ticket}</cas:authenticationFailure>` : success(user, proxies)
      return { body: `<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">${answer}</cas:serviceResponse>` }
    }),
  )
  const hs = stack.use(
    await testHomeserver({
      config: {
        sso: { cas: { server_url: `http://127.0.0.1:${cas.port}/cas/` } },
        outbound_http: { ip_range_denylist: [] },
      },
    }),
  )
  return { hs, cas, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const success = (user: string, more = '') =>
  `<cas:authenticationSuccess><cas:user>${user}</cas:user><cas:attributes></cas:attributes>${more}</cas:authenticationSuccess>`

async function page(hs: TestHomeserver, path: string, form?: Record<string, string>, cookie = '') {
  const response = await fetch(`${hs.url}${path}`, {
    redirect: 'manual',
    headers: { cookie },
    ...(form && { method: 'POST', body: new URLSearchParams(form) }),
  })
  const { status, headers } = response
  return {
    status,
    location: headers.get('location') ?? '',
    cookie: headers.get('set-cookie')?.split(';')[0] ?? '',
    policy: headers.get('content-security-policy') ?? '',
    text: await response.text(),
  }
}

/** Comes back from CAS; gives the login token on the page. */
async function comeBack(hs: TestHomeserver, user: string) {
  const query = new URLSearchParams({ redirectUrl: CLIENT, ticket: `ticket of ${user}` })
  const { status, text } = await page(hs, `${SERVICE}?${query}`)
  assert.equal(status, 200, text)
  return { text, token: /loginToken=([\w-]+)/.exec(text)?.[1] ?? '' }
}

const useToken = (hs: TestHomeserver, token: string) => call(hs, 'POST', 'login', { type: 'm.login.token', token })

async function logInThroughCas(hs: TestHomeserver, user: string): Promise<TestUser> {
  const { status, body } = await useToken(hs, (await comeBack(hs, user)).token)
  assert.equal(status, 200, JSON.stringify(body))
  return new TestUser(hs, String(body['user_id']), String(body['access_token']), String(body['device_id']))
}

test('a user logs in through CAS, and is the same user the next time', async () => {
  await using server = await serverWithCas()
  const { hs, cas } = server
  const { flows } = (await call(hs, 'GET', 'login')).body as { flows: JsonObject[] }
  assert.deepEqual(
    flows.map(({ type }) => type),
    ['m.login.password', 'm.login.sso', 'm.login.cas', 'm.login.token'],
  )
  const service = `${hs.url}${SERVICE}?redirectUrl=${encodeURIComponent(CLIENT)}`
  const login = `http://127.0.0.1:${cas.port}/cas/login?service=${encodeURIComponent(service)}`
  for (const way of ['sso/redirect', 'sso/redirect/cas', 'cas/redirect']) {
    const sent = await page(hs, `/_matrix/client/v3/login/${way}?redirectUrl=${encodeURIComponent(CLIENT)}`)
    assert.deepEqual([sent.status, sent.location], [302, login])
  }
  const { text, token } = await comeBack(hs, 'Cas_User!')
  assert.deepEqual(
    [cas.requests.at(-1)?.url.pathname, cas.requests.at(-1)?.url.searchParams.get('service')],
    ['/cas/proxyValidate', service],
  )
  assert.match(text, /Continue as @cas_user=21:test\.example\?/)
  assert.ok(text.includes(`<a href="https://client.example/?p=http%3A%2F%2Fserver&#38;loginToken=${token}#/home"`), text)
  assert.doesNotMatch(text, /<script/)
  assert.equal((await useToken(hs, token)).body['user_id'], '@cas_user=21:test.example')
  assert.equal((await useToken(hs, token)).body['errcode'], 'M_FORBIDDEN')
  assert.equal((await logInThroughCas(hs, 'Cas_User!')).id, '@cas_user=21:test.example')
})

test('a bad ticket, a place that is no client, and a deactivated user get no token', async () => {
  await using server = await serverWithCas()
  const { hs } = server
  for (const ticket of ['wrong', success('alice')]) {
    const bad = await page(hs, `${SERVICE}?redirectUrl=${encodeURIComponent(CLIENT)}&ticket=${encodeURIComponent(ticket)}`)
    assert.deepEqual([bad.status, bad.text.includes('loginToken')], [403, false])
    assert.match(bad.text, /<h1>That did not work/)
  }
  for (const place of ['javascript:alert(1)', 'data:text/html,x', 'not a url']) {
    const ticket = `redirectUrl=${encodeURIComponent(place)}&ticket=ticket of alice`
    assert.equal((await page(hs, `${SERVICE}?${ticket}`)).status, 400, place)
    assert.equal((await page(hs, `/_matrix/client/v3/login/sso/redirect?redirectUrl=${encodeURIComponent(place)}`)).status, 400)
  }
  assert.equal(
    (await page(hs, `/_matrix/client/v3/login/sso/redirect/other?redirectUrl=${encodeURIComponent(CLIENT)}`)).status,
    404,
  )
  const alice = await logInThroughCas(hs, 'alice')
  const { body } = await alice.call('POST', 'account/deactivate', {})
  await prove(hs, String(body['session']), 'alice')
  await alice.ok('POST', 'account/deactivate', { auth: { session: body['session'] ?? '' } })
  const closed = await page(hs, `${SERVICE}?redirectUrl=${encodeURIComponent(CLIENT)}&ticket=ticket of alice`)
  assert.equal(closed.status, 403)
  assert.match(closed.text, /<h1>This account is closed/)
})

test('a service that CAS gives tickets to in place of the user does not log in as the user', async () => {
  await using server = await serverWithCas()
  const query = new URLSearchParams({ redirectUrl: CLIENT, ticket: 'proxy ticket of alice' })
  const { status, text } = await page(server.hs, `${SERVICE}?${query}`)
  assert.equal(status, 403)
  assert.doesNotMatch(text, /loginToken/)
})

test('a CAS server that does not answer is told of on a page', async () => {
  await using broken = await webServer(() => ({ status: 500, body: 'oops' }))
  const config = { sso: { cas: { server_url: `http://127.0.0.1:${broken.port}/` } }, outbound_http: { ip_range_denylist: [] } }
  await using hs = await testHomeserver({ config })
  for (const query of [`redirectUrl=${encodeURIComponent(CLIENT)}`, 'session=any']) {
    const { status, text } = await page(hs, `${SERVICE}?${query}&ticket=any`, undefined, COOKIE)
    assert.equal(status, 502)
    assert.match(text, /<h1>Not now/)
  }
})

/** As of some browser. */
const COOKIE = `causeway-sso=${'x'.repeat(43)}`

const prove = async (hs: TestHomeserver, session: string, user: string) => {
  const start = await page(hs, `/_matrix/client/v3/auth/m.login.sso/fallback/web?session=${session}`)
  const link = /href="(\/_causeway\/sso\/prove\/cas[^"]+)"/.exec(start.text)?.[1] ?? ''
  const away = await page(hs, link)
  const service = new URL(away.location).searchParams.get('service') ?? ''
  const back = `${service.slice(hs.url.length)}&ticket=ticket of ${user}`
  assert.match((await page(hs, back)).text, /<h1>This page is out of date/, 'of another browser')
  const done = await page(hs, back, undefined, away.cookie)
  assert.equal(done.status, 200, done.text)
  assert.match(done.policy, /script-src 'sha256-/)
  return { service, back }
}

test('CAS is asked about the browser that was sent there, whichever comes back', async () => {
  await using server = await serverWithCas()
  const { hs, cas } = server
  const asked = () => cas.requests.at(-1)?.url.searchParams.get('service')
  const alice = await logInThroughCas(hs, 'alice')
  const { body } = await alice.call('DELETE', `devices/${alice.deviceId}`, {})
  const { service, back } = await prove(hs, String(body['session']), 'alice')
  assert.equal(asked(), service)
  await page(hs, back, undefined, COOKIE)
  assert.notEqual(asked(), service)
  const before = cas.requests.length
  assert.equal((await page(hs, back)).status, 400)
  assert.equal(cas.requests.length, before + 1, 'a ticket that nobody has asked for is spent')
  assert.notEqual(asked(), service)
})

test('who logs in through CAS agrees through CAS, and nobody else for them', async () => {
  await using server = await serverWithCas()
  const { hs } = server
  const alice = await logInThroughCas(hs, 'alice')
  const asked = await alice.call('DELETE', `devices/${alice.deviceId}`, {})
  assert.deepEqual(asked.body['flows'], [{ stages: ['m.login.password'] }, { stages: ['m.login.sso'] }])
  const session = String(asked.body['session'])
  const agree = () => alice.call('DELETE', `devices/${alice.deviceId}`, { auth: { session } })
  assert.equal((await agree()).status, 401)
  await prove(hs, session, 'eve')
  assert.equal((await agree()).status, 403)
  const other = await alice.call('DELETE', `devices/${alice.deviceId}`, {})
  await prove(hs, String(other.body['session']), 'alice')
  assert.deepEqual(await alice.call('DELETE', `devices/${alice.deviceId}`, { auth: { session: other.body['session'] ?? '' } }), {
    status: 200,
    body: {},
  })
  const unknown = await page(hs, `${SERVICE}?session=unknown&ticket=ticket of alice`, undefined, COOKIE)
  assert.equal(unknown.status, 400)
  assert.match(unknown.text, /<h1>This page is out of date/)
})

test('a login token logs another device in, once, and its owner has to agree', async () => {
  await using hs = await testHomeserver()
  const alice = await hs.user('alice')
  const asked = await alice.call('POST', '/_matrix/client/v1/login/get_token', {})
  assert.equal(asked.status, 401)
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: "alice's password" }
  const { login_token: token, expires_in_ms: lasts } = await alice.ok('POST', '/_matrix/client/v1/login/get_token', { auth })
  assert.equal(lasts, 120_000)
  const { status, body } = await useToken(hs, String(token))
  assert.deepEqual([status, body['user_id']], [200, alice.id])
  assert.notEqual(body['device_id'], alice.deviceId)
  assert.equal((await useToken(hs, String(token))).body['errcode'], 'M_FORBIDDEN')
  const { capabilities } = await alice.ok('GET', 'capabilities')
  assert.deepEqual((capabilities as JsonObject)['m.get_login_token'], { enabled: true })
})

test('terms are accepted and a reCAPTCHA is solved on pages, or by the client', async () => {
  await using riddles = await webServer(({ body }) => {
    const { secret, response } = Object.fromEntries(new URLSearchParams(body))
    return { body: { success: secret === 'private' && response === 'solved' } }
  })
  const siteverify = `http://127.0.0.1:${riddles.port}/recaptcha/api/siteverify`
  await using hs = await testHomeserver({
    config: {
      outbound_http: { ip_range_denylist: [] },
      registration: {
        enabled: true,
        require_verification: false,
        recaptcha: { siteverify_url: siteverify, public_key: 'public', private_key: 'private' },
        terms: { name: 'Rules <of> the house', url: 'https://test.example/rules' },
      },
    },
  })
  const wish = { username: 'alice', password: 'a long password' }
  const { body } = await call(hs, 'POST', 'register', wish)
  const session = String(body['session'])
  assert.deepEqual(body['flows'], [{ stages: ['m.login.recaptcha', 'm.login.terms', 'm.login.dummy'] }])
  assert.equal(((body['params'] as JsonObject)['m.login.recaptcha'] as JsonObject)['public_key'], 'public')
  const at = (type: string) => `/_matrix/client/v3/auth/${type}/fallback/web?session=${session}`
  assert.match((await page(hs, at('m.login.recaptcha'))).text, /data-sitekey="public"/)
  const wrong = await page(hs, at('m.login.recaptcha'), { 'g-recaptcha-response': 'guess' })
  assert.deepEqual([wrong.status, /role="alert"/.test(wrong.text)], [400, true])
  const solved = await call(hs, 'POST', 'register', { ...wish, auth: { type: 'm.login.recaptcha', session, response: 'solved' } })
  assert.deepEqual(solved.body['completed'], ['m.login.recaptcha'])
  assert.match((await page(hs, at('m.login.terms'))).text, /Rules &#60;of&#62; the house/)
  assert.match((await page(hs, at('m.login.terms'), {})).text, /onAuthDone/)
  assert.match((await page(hs, at('m.login.terms'))).text, /Thank you/)
  const made = await call(hs, 'POST', 'register', { ...wish, auth: { session, type: 'm.login.dummy' } })
  assert.equal(made.status, 200, JSON.stringify(made.body))
  assert.equal((await page(hs, at('m.login.password'))).status, 400)
  assert.equal((await page(hs, at('m.login.nothing'))).status, 404)
})
