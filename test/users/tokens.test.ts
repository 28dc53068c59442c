import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountServices, temporaryDatabase } from '../support/accounts.ts'
import { FakeClock } from '../support/clock.ts'

const HOUR = 60 * 60_000
const FROM = { address: '192.0.2.1', userAgent: 'phone' }

async function setUp() {
  const file = await temporaryDatabase()
  const clock = new FakeClock()
  const services = accountServices(file.db, clock)
  const { registration, accessTokens, sessions } = services
  return {
    ...services,
    clock,
    db: file.db,
    open: async (localpart: string, refreshable: boolean) => {
      const { access_token = '', refresh_token = '' } = await registration.createAccount({ localpart, session: { refreshable } })
      return { access: access_token, refresh: refresh_token }
    },
    refresh: async (token: string) => {
      const { access_token, refresh_token = '' } = await sessions.refresh(token)
      return { access: access_token, refresh: refresh_token }
    },
    who: async (token: string) => (await accessTokens.authenticate(token, FROM)).userId,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}

describe('an access token', () => {
  test('is known without asking storage again', async () => {
    await using hs = await setUp()
    const { access } = await hs.open('alice', false)
    await hs.who(access)
    assert.equal(hs.accessTokens.authenticate(access, FROM), hs.accessTokens.authenticate(access, FROM))
  })

  test('is not in the database', async () => {
    await using hs = await setUp()
    const tokens = await hs.open('alice', true)
    for (const table of ['access_tokens', 'refresh_tokens']) {
      const text = JSON.stringify(await hs.db.all(`SELECT * FROM ${table}`))
      assert.ok(!text.includes(tokens.access) && !text.includes(tokens.refresh), table)
    }
  })

  test('stands for the user as they are now', async () => {
    await using hs = await setUp()
    const { access } = await hs.open('alice', false)
    const isAdmin = async () => (await hs.accessTokens.authenticate(access, FROM)).isAdmin
    assert.equal(await isAdmin(), false)
    await hs.moderation.setAdmin('@alice:example.org' as never, true)
    assert.equal(await isAdmin(), true)
  })

  test('that is revoked while it is looked up is not remembered', async () => {
    await using hs = await setUp()
    const first = await hs.open('alice', true)
    const requester = await hs.accessTokens.authenticate(first.access, FROM)
    const second = await hs.refresh(first.refresh)
    // Its first use waits for a write.
    await Promise.all([hs.who(second.access), hs.sessions.logOut(requester)])
    await assert.rejects(hs.who(second.access), { errcode: 'M_UNKNOWN_TOKEN' })
  })
})

describe('refreshing', () => {
  test('gives tokens that expire softly', async () => {
    await using hs = await setUp()
    const first = await hs.open('alice', true)
    assert.equal(await hs.who(first.access), '@alice:example.org')
    hs.clock.later(HOUR)
    await assert.rejects(hs.who(first.access), { errcode: 'M_UNKNOWN_TOKEN', extra: { soft_logout: true } })
    const second = await hs.refresh(first.refresh)
    assert.equal(await hs.who(second.access), '@alice:example.org')
    await assert.rejects(hs.who(first.access), { extra: { soft_logout: true } })
  })

  test('may be repeated until something new has been used', async () => {
    await using hs = await setUp()
    const first = await hs.open('alice', true)
    await hs.refresh(first.refresh)
    const second = await hs.refresh(first.refresh)
    await hs.who(second.access)
    await assert.rejects(hs.refresh(first.refresh), { status: 401, errcode: 'M_UNKNOWN_TOKEN' })
    const third = await hs.refresh(second.refresh)
    await hs.refresh(third.refresh)
    await assert.rejects(hs.refresh(second.refresh), { errcode: 'M_UNKNOWN_TOKEN' })
  })

  test('twice at once logs nobody out', async () => {
    await using hs = await setUp()
    const first = await hs.open('alice', true)
    const [left, right] = await Promise.all([hs.refresh(first.refresh), hs.refresh(first.refresh)])
    await Promise.all([hs.who(left.access), hs.who(right.access)])
    await hs.refresh(left.refresh)
    await hs.refresh(right.refresh)
  })

  test('keeps no abandoned tries', async () => {
    await using hs = await setUp()
    const first = await hs.open('alice', true)
    const abandoned = await hs.refresh(first.refresh)
    hs.clock.later(HOUR + 1)
    await hs.refresh(first.refresh)
    await assert.rejects(hs.refresh(abandoned.refresh), { errcode: 'M_UNKNOWN_TOKEN' })
  })

  test('ends with the session', async () => {
    await using hs = await setUp()
    const { access, refresh } = await hs.open('alice', true)
    await hs.sessions.logOut(await hs.accessTokens.authenticate(access, FROM))
    await assert.rejects(hs.refresh(refresh), { errcode: 'M_UNKNOWN_TOKEN' })
  })
})

describe('last seen', () => {
  test('is written down with all others, and not for every request', async () => {
    await using hs = await setUp()
    const tokens = await Promise.all(['alice', 'bob'].map((name) => hs.open(name, false)))
    for (const { access } of tokens) await hs.who(access)
    const seen = () => hs.db.all('SELECT last_seen_ts, last_seen_ip, last_seen_agent FROM devices')
    assert.deepEqual(new Set((await seen()).map(({ last_seen_ts }) => last_seen_ts)), new Set([null]))
    await hs.lastSeen.flush()
    const row = { last_seen_ts: hs.clock.now(), last_seen_ip: '192.0.2.1', last_seen_agent: 'phone' }
    assert.deepEqual(await seen(), [row, row])

    hs.clock.later(4 * 60_000)
    for (const { access } of tokens) await hs.who(access)
    await hs.lastSeen.flush()
    assert.deepEqual(await seen(), [row, row])
    hs.clock.later(60_000)
    for (const { access } of tokens) await hs.who(access)
    await hs.lastSeen.flush()
    assert.deepEqual(new Set((await seen()).map(({ last_seen_ts }) => last_seen_ts)), new Set([hs.clock.now()]))
  })

  test('notices another address at once', async () => {
    await using hs = await setUp()
    const { access } = await hs.open('alice', false)
    await hs.who(access)
    await hs.accessTokens.authenticate(access, { address: '192.0.2.9', userAgent: undefined })
    await hs.lastSeen.flush()
    assert.deepEqual(await hs.db.all('SELECT last_seen_ip FROM devices'), [{ last_seen_ip: '192.0.2.9' }])
  })

  test('is written down when the server stops', async () => {
    await using hs = await setUp()
    const { access } = await hs.open('alice', false)
    const stop = new AbortController()
    const running = hs.lastSeen.run(stop.signal)
    await hs.who(access)
    stop.abort()
    await running
    assert.deepEqual(await hs.db.all('SELECT last_seen_ip FROM devices'), [{ last_seen_ip: '192.0.2.1' }])
  })
})
