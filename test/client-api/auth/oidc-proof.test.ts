/** What proves that somebody has logged in at an OpenID provider, and that it was they who wanted it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Browser, CLIENT, REDIRECT, serverWithOidc, useToken } from './oidc-support.ts'

async function assertOutOfDate(browser: Browser, address: string) {
  const { status, text } = await browser.open(address)
  assert.deepEqual([status, /out of date/.test(text)], [400, true], text)
}

test('a login is of one browser, of one provider, and good once', async () => {
  await using server = await serverWithOidc()
  const { hs, provider } = server
  provider.mood.claims = { sub: '1', preferred_username: 'alice' }
  const browser = new Browser()
  const sent = await browser.open(`${hs.url}${REDIRECT}/company?${new URLSearchParams({ redirectUrl: CLIENT })}`)
  assert.match(sent.cookie, /^causeway-sso=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/)
  const back = provider.logIn(sent.location)
  await assertOutOfDate(new Browser(), back)
  const stranger = new Browser()
  await stranger.begin(hs)
  await assertOutOfDate(stranger, back)
  assert.equal((await browser.open(back)).status, 200, 'others who tried have spoilt nothing')
  await assertOutOfDate(browser, back)
  await assertOutOfDate(browser, provider.logIn(await browser.begin(hs)).replace('/company?', '/other?'))
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
    const led = await browser.open(`${hs.url}${link}`, undefined, 'cross-site')
    assert.deepEqual([led.status, led.text], [200, page.text], 'no other site goes past the question')
    const away = await browser.open(`${hs.url}${link}`, undefined, 'same-origin')
    provider.mood.claims = { sub }
    const back = await browser.open(provider.logIn(away.location))
    const { status } = await alice.call('DELETE', `devices/${alice.deviceId}`, { auth: { session } })
    return [back.status, status]
  }
  assert.deepEqual(await agree('3'), [403, 401], 'a stranger proves nothing')
  assert.deepEqual(await agree('2'), [200, 403])
  assert.deepEqual(await agree('1'), [200, 200])
})
