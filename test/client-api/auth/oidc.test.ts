/** Login through OpenID providers: a real one over TLS, and a browser that keeps its cookies. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { type TestHomeserver, testHomeserver } from '../../support/homeserver.ts'
import { CLIENT_ID, CLIENT_SECRET, oidcProvider } from '../../support/oidc-provider.ts'
import { call, TestUser } from '../../support/user.ts'

const CLIENT = 'https://client.example/?loginToken=old&p=1#/home'
const KNOWN_CLIENT = 'https://app.example/web/'
const REDIRECT = '/_matrix/client/v3/login/sso/redirect'

async function serverWithOidc(settings: JsonObject = {}) {
  const stack = new AsyncDisposableStack()
  const provider = stack.use(await oidcProvider())
  const folder = await mkdtemp(join(tmpdir(), 'causeway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const authority = join(folder, 'authority.pem')
  const secret = join(folder, 'secret')
  await writeFile(authority, provider.authorityPem)
  await writeFile(secret, `${CLIENT_SECRET}\n`)
  const common = { issuer: provider.issuer, client_id: CLIENT_ID, client_secret_file: secret }
  const company = { id: 'company', name: 'The <Company>', brand: 'company', ...common, ...settings }
  const hs = stack.use(
    await testHomeserver({
      config: {
        sso: { oidc: [company, { ...common, id: 'other', name: 'Other' }], client_whitelist: [KNOWN_CLIENT] },
        outbound_http: { ip_range_denylist: [], custom_ca_files: [authority] },
      },
    }),
  )
  return { hs, provider, log: () => readFile(join(hs.folder, 'log'), 'utf8'), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Keeps its cookie, and follows nothing by itself. */
class Browser {
  cookie = ''

  async open(address: string, form?: Record<string, string>) {
    const response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: this.cookie },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    const { status, headers } = response
    const cookie = headers.get('set-cookie') ?? ''
    if (cookie !== '') this.cookie = cookie.split(';')[0] ?? ''
    return { status, cookie, location: headers.get('location') ?? '', text: await response.text() }
  }

  /** Begins a login, is logged in at the provider, and comes back. */
  async logIn({ hs, provider }: Pick<Server, 'hs' | 'provider'>, redirectUrl = CLIENT) {
    return this.open(provider.logIn(await this.begin(hs, redirectUrl)))
  }

  async begin(hs: TestHomeserver, redirectUrl = CLIENT, id = 'company'): Promise<string> {
    const sent = await this.open(`${hs.url}${REDIRECT}/${id}?${new URLSearchParams({ redirectUrl })}`)
    assert.equal(sent.status, 302, sent.text)
    return sent.location
  }
}

type Server = Awaited<ReturnType<typeof serverWithOidc>>

async function useToken(hs: TestHomeserver, text: string): Promise<TestUser> {
  const token = /loginToken=([\w-]+)/.exec(text)?.[1] ?? ''
  const { status, body } = await call(hs, 'POST', 'login', { type: 'm.login.token', token })
  assert.equal(status, 200, JSON.stringify(body))
  return new TestUser(hs, String(body['user_id']), String(body['access_token']), String(body['device_id']))
}

test('clients are offered the providers, and a browser that names none is asked', async () => {
  await using server = await serverWithOidc()
  const { hs } = server
  const { flows } = (await call(hs, 'GET', 'login')).body as { flows: JsonObject[] }
  assert.deepEqual(flows[1], {
    type: 'm.login.sso',
    identity_providers: [
      { id: 'company', name: 'The <Company>', brand: 'company' },
      { id: 'other', name: 'Other' },
    ],
  })
  const asked = await new Browser().open(`${hs.url}${REDIRECT}?${new URLSearchParams({ redirectUrl: CLIENT })}`)
  assert.equal(asked.status, 200)
  assert.match(asked.text, /<b>client\.example<\/b>/)
  assert.match(asked.text, /redirect\/company\?redirectUrl=[^"]+" class="button">The &#60;Company&#62;</)
  assert.doesNotMatch(asked.text, /<script/)
  for (const place of ['javascript:alert(1)', 'data:text/html,x', 'nowhere']) {
    const query = new URLSearchParams({ redirectUrl: place })
    assert.equal((await new Browser().open(`${hs.url}${REDIRECT}?${query}`)).status, 400)
    assert.equal((await new Browser().open(`${hs.url}${REDIRECT}/company?${query}`)).status, 400)
  }
  const unknown = await new Browser().open(`${hs.url}${REDIRECT}/nobody?${new URLSearchParams({ redirectUrl: CLIENT })}`)
  assert.deepEqual([unknown.status, /<h1>Not here/.test(unknown.text)], [404, true])
})

test('a new user gets an account by the claims, and is the same user the next time', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.claims = { sub: '1', preferred_username: 'Zoë', name: 'Zoë Z', email: 'Zoe@Example.org', email_verified: true }
  const browser = new Browser()
  const away = new URL(await browser.begin(hs))
  assert.equal(`${away.origin}${away.pathname}`, `${provider.issuer}/authorize`)
  const { state, nonce, code_challenge: challenge, ...asked } = Object.fromEntries(away.searchParams)
  assert.ok([state, nonce, challenge].every((secret) => secret !== undefined && secret.length >= 43))
  assert.deepEqual(asked, {
    client_id: CLIENT_ID,
    response_type: 'code',
    redirect_uri: `${hs.url}/_causeway/sso/callback/company`,
    scope: 'openid profile email',
    code_challenge_method: 'S256',
  })
  const back = await browser.open(provider.logIn(away.href))
  assert.match(back.text, /Continue as @zo=c3=ab:test\.example\?/)
  assert.match(back.text, /href="https:\/\/client\.example\/\?p=1&#38;loginToken=[\w-]+#\/home"/)
  const zoe = await useToken(hs, back.text)
  assert.equal(zoe.id, '@zo=c3=ab:test.example')
  assert.equal((await zoe.ok('GET', `profile/${zoe.id}/displayname`))['displayname'], 'Zoë Z')
  const { threepids } = (await zoe.ok('GET', 'account/3pid')) as { threepids: JsonObject[] }
  assert.deepEqual(
    threepids.map(({ address }) => address),
    ['zoe@example.org'],
  )
  provider.mood.claims = { sub: '1', preferred_username: 'somebody_else' }
  assert.equal((await useToken(hs, (await new Browser().logIn(server)).text)).id, zoe.id)
})

test('a known client gets the login at once, and no other that looks like it', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.claims = { sub: '1', preferred_username: 'alice' }
  const known = await new Browser().logIn(server, `${KNOWN_CLIENT}?x=1`)
  assert.deepEqual([known.status, known.location.startsWith(`${KNOWN_CLIENT}?x=1&loginToken=`)], [302, true])
  await useToken(hs, known.location)
  for (const other of [
    'https://app.example.evil/web/',
    'https://app.example/webs',
    'http://app.example/web/',
    'https://x@app.example/web/',
  ])
    assert.equal((await new Browser().logIn(server, other)).status, 200, other)
})

test('who has no free name chooses one', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  await hs.user('alice')
  provider.mood.claims = { sub: '7', preferred_username: 'alice', email: 'al@example.org', email_verified: false }
  const browser = new Browser()
  const asked = await browser.logIn(server)
  assert.equal(asked.status, 200)
  assert.match(asked.text, /Choose your user name[\s\S]*The &#60;Company&#62;[\s\S]*value="alice"/)
  const form = `${hs.url}${/action="([^"]+)"/.exec(asked.text)?.[1]}`
  assert.equal((await new Browser().open(form, { username: 'mallory' })).status, 400)
  const taken = await browser.open(form, { username: 'alice' })
  assert.deepEqual([taken.status, /role="alert"/.test(taken.text)], [400, true])
  assert.match((await browser.open(form, { username: 'Al ice' })).text, /role="alert"/)
  const done = await browser.open(form, { username: 'Alice2' })
  const alice = await useToken(hs, done.text)
  assert.equal(alice.id, '@alice2:test.example')
  assert.deepEqual(
    (await alice.ok('GET', 'account/3pid'))['threepids'],
    [],
    'an e-mail address that is not verified counts nothing',
  )
  assert.match((await browser.open(form, { username: 'alice3' })).text, /out of date/)
  assert.equal((await useToken(hs, (await new Browser().logIn(server)).text)).id, alice.id)
})

test('accounts that are there are given away only where the administrator wants that', async () => {
  await using server = await serverWithOidc({ allow_existing_users: true, allow_registration: false })
  const { hs, provider, log } = server
  const alice = await hs.user('alice')
  provider.mood.claims = { sub: '1', preferred_username: 'alice' }
  assert.equal((await useToken(hs, (await new Browser().logIn(server)).text)).id, alice.id)
  provider.mood.claims = { sub: '2', preferred_username: 'bob' }
  const stranger = await new Browser().logIn(server)
  assert.deepEqual([stranger.status, /You have no account here/.test(stranger.text)], [403, true])
  await hs.restart()
  assert.match(await log(), /"provider":"company","subject":"2","why":"no-account"/)
})

test('a name from an e-mail address that is not verified takes no account', async () => {
  await using server = await serverWithOidc({ allow_existing_users: true, claims: { localpart: 'email' } })
  await server.hs.user('alice')
  server.provider.mood.claims = { sub: '1', email: 'alice', email_verified: false }
  assert.match((await new Browser().logIn(server)).text, /Choose your user name/)
})

test('a login is of one browser, of one provider, and good once', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.claims = { sub: '1', preferred_username: 'alice' }
  const browser = new Browser()
  const sent = await browser.open(`${hs.url}${REDIRECT}/company?${new URLSearchParams({ redirectUrl: CLIENT })}`)
  assert.match(sent.cookie, /^causeway-sso=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/)
  const back = provider.logIn(sent.location)
  const refused = async (other: Browser, address: string) => {
    const { status, text } = await other.open(address)
    assert.deepEqual([status, /out of date/.test(text)], [400, true], text)
  }
  await refused(new Browser(), back)
  const stranger = new Browser()
  await stranger.begin(hs)
  await refused(stranger, back)
  assert.equal((await browser.open(back)).status, 200, 'others who tried have spoilt nothing')
  await refused(browser, back)
  await refused(browser, provider.logIn(await browser.begin(hs)).replace('/company?', '/other?'))
  const first = provider.logIn(await browser.begin(hs))
  const second = provider.logIn(await browser.begin(hs))
  assert.deepEqual(
    [(await browser.open(first)).status, (await browser.open(second)).status],
    [200, 200],
    'in two windows at once',
  )
})

test('what the provider says has to hold', async () => {
  await using server = await serverWithOidc()
  const { hs, provider, log } = server
  const good = { claims: { sub: '1', preferred_username: 'alice' }, idToken: {}, iss: undefined, isForged: false }
  const lies = [
    { isForged: true },
    { iss: 'https://evil.example' },
    { idToken: { iss: 'https://evil.example' } },
    { idToken: { aud: 'another client' } },
    { idToken: { nonce: 'of another login' } },
    { idToken: { exp: 1 } },
    { claims: { sub: 'another', preferred_username: 'alice' }, idToken: { sub: '1' } },
  ]
  for (const lie of lies) {
    Object.assign(provider.mood, good, lie)
    const { status, text } = await new Browser().logIn(server)
    assert.deepEqual([status, /That did not work/.test(text)], [403, true], JSON.stringify(lie))
  }
  Object.assign(provider.mood, good)
  const cancelled = new URL(await new Browser().begin(hs))
  const browser = new Browser()
  const state = new URL(await browser.begin(hs)).searchParams.get('state') ?? ''
  assert.notEqual(state, cancelled.searchParams.get('state'))
  const { status, text } = await browser.open(`${hs.url}/_causeway/sso/callback/company?error=access_denied&state=${state}`)
  assert.deepEqual([status, /You have not logged in/.test(text)], [403, true])
  assert.equal((await new Browser().logIn(server)).status, 200)
  await hs.restart()
  const lines = (await log()).split('\n').filter((line) => line.includes('does not prove'))
  assert.equal(lines.length, lies.length)
  assert.ok(lines.every((line) => line.includes('"provider":"company"') && !line.includes('code=')))
})

test('a provider that is down is asked again later', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.isDown = true
  const down = await new Browser().open(`${hs.url}${REDIRECT}/company?${new URLSearchParams({ redirectUrl: CLIENT })}`)
  assert.deepEqual([down.status, /<h1>Not now/.test(down.text)], [502, true])
  Object.assign(provider.mood, { isDown: false, claims: { sub: '1', preferred_username: 'alice' } })
  assert.equal((await new Browser().logIn(server)).status, 200)
})

test('who logs in through a provider agrees through it, and nobody else for them', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.claims = { sub: '1', preferred_username: 'alice' }
  const alice = await useToken(hs, (await new Browser().logIn(server)).text)
  provider.mood.claims = { sub: '2', preferred_username: 'eve' }
  await useToken(hs, (await new Browser().logIn(server)).text)
  const agree = async (sub: string) => {
    const asked = await alice.call('DELETE', `devices/${alice.deviceId}`, {})
    assert.deepEqual(asked.body['flows'], [{ stages: ['m.login.password'] }, { stages: ['m.login.sso'] }])
    const session = String(asked.body['session'])
    const browser = new Browser()
    const page = await browser.open(`${hs.url}/_matrix/client/v3/auth/m.login.sso/fallback/web?session=${session}`)
    const link = /href="(\/_causeway\/sso\/prove\/company[^"]+)"/.exec(page.text)?.[1]
    const away = await browser.open(`${hs.url}${link}`)
    provider.mood.claims = { sub }
    const back = await browser.open(provider.logIn(away.location))
    const { status } = await alice.call('DELETE', `devices/${alice.deviceId}`, { auth: { session } })
    return [back.status, status]
  }
  assert.deepEqual(await agree('3'), [403, 401], 'a stranger proves nothing')
  assert.deepEqual(await agree('2'), [200, 403])
  assert.deepEqual(await agree('1'), [200, 200])
})

test('a locked or deactivated account does not get in', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.claims = { sub: '1', preferred_username: 'alice' }
  const alice = await useToken(hs, (await new Browser().logIn(server)).text)
  const asked = await alice.call('POST', 'account/deactivate', {})
  const browser = new Browser()
  const session = String(asked.body['session'])
  const away = await browser.open(`${hs.url}/_causeway/sso/prove/company?session=${session}`)
  assert.equal((await browser.open(provider.logIn(away.location))).status, 200)
  await alice.ok('POST', 'account/deactivate', { auth: { session } })
  const closed = await new Browser().logIn(server)
  assert.deepEqual([closed.status, /This account is closed/.test(closed.text)], [403, true])
})
