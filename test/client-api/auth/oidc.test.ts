/** Login through OpenID providers: who gets which account, and where the login goes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../schemas/json.ts'
import { CLIENT_ID } from '../../support/oidc-provider.ts'
import { call } from '../../support/user.ts'
import { Browser, CLIENT, KNOWN_CLIENT, REDIRECT, serverWithOidc, useToken } from './oidc-support.ts'

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
  const spelt = await new Browser().logIn(server, `${KNOWN_CLIENT}?room=Küche 日本`)
  const place = `${KNOWN_CLIENT}?room=K%C3%BCche%20%E6%97%A5%E6%9C%AC&loginToken=`
  assert.deepEqual([spelt.status, spelt.location.startsWith(place)], [302, true], spelt.location)
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
  provider.mood.claims = { sub: '3', preferred_username: 'alice' }
  assert.equal((await new Browser().logIn(server)).status, 403, 'what is one person’s is not given to another of the same name')
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

test('a provider that is down is asked again later', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.isDown = true
  const down = await new Browser().open(`${hs.url}${REDIRECT}/company?${new URLSearchParams({ redirectUrl: CLIENT })}`)
  assert.deepEqual([down.status, /<h1>Not now/.test(down.text)], [502, true])
  Object.assign(provider.mood, { isDown: false, claims: { sub: '1', preferred_username: 'alice' } })
  assert.equal((await new Browser().logIn(server)).status, 200)
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
