import assert from 'node:assert/strict'
import test from 'node:test'
import { Type } from 'typebox'
import { jsonObject } from '../../schemas/definitions.ts'
import { type Auth, endpoint } from '../../schemas/endpoint.ts'
import type { DeviceId } from '../../schemas/ids.ts'
import { unknownToken } from '../../src/core/errors.ts'
import type { ClientCall, SignedCall } from '../../src/http/authenticate.ts'
import { networkOf } from '../../src/http/client-address.ts'
import { RateLimiter } from '../../src/http/rate-limit.ts'
import { rawJson, respond } from '../../src/http/reply.ts'
import { type Request, type Route, route } from '../../src/http/route.ts'
import { ALICE, authenticators, LIMITS, testServer } from './support.ts'

const PATH = '/_matrix/client/v3/who'
const GUEST = { ...ALICE, isGuest: true }
const ADMIN = { ...ALICE, isAdmin: true }
const BRIDGE = { ...ALICE, appServiceId: 'bridge' }
const TOKENS = { alice: ALICE, guest: GUEST, admin: ADMIN, bridge: BRIDGE }

const tellWho = async ({ requester }: Request) =>
  respond(200, { who: requester === undefined ? null : 'origin' in requester ? requester.origin : requester.userId })

function who(auth: Auth, guests = false): Route {
  return route(endpoint('GET', PATH, { auth, guests, response: jsonObject(), spec: '' }), tellWho)
}

const OUTCOMES: [auth: Auth, guests: boolean, token: string | undefined, outcome: string][] = [
  ['none', false, undefined, 'null'],
  ['none', false, 'alice', 'null'],
  ['access-token', false, 'alice', '@alice:example.org'],
  ['access-token', false, undefined, '401 M_MISSING_TOKEN'],
  ['access-token', false, 'stolen', '401 M_UNKNOWN_TOKEN'],
  ['access-token', false, 'guest', '403 M_GUEST_ACCESS_FORBIDDEN'],
  ['access-token', true, 'guest', '@alice:example.org'],
  ['optional-access-token', false, undefined, 'null'],
  ['optional-access-token', false, 'alice', '@alice:example.org'],
  ['optional-access-token', false, 'stolen', '401 M_UNKNOWN_TOKEN'],
  ['admin', false, 'alice', '403 M_FORBIDDEN'],
  ['admin', false, 'admin', '@alice:example.org'],
  ['app-service', false, 'alice', '403 M_FORBIDDEN'],
  ['app-service', false, 'bridge', '@alice:example.org'],
]
for (const [auth, guests, token, outcome] of OUTCOMES) {
  test(`${auth}${guests ? ' for guests' : ''} called with ${token ?? 'no'} token: ${outcome}`, async () => {
    await using server = await testServer([who(auth, guests)], { authenticators: authenticators(TOKENS) })
    const answer = await server.call('GET', PATH, token === undefined ? {} : { token })
    const got = answer.status === 200 ? String(answer.json.who) : `${answer.status} ${String(answer.json.errcode)}`
    assert.equal(got, outcome)
  })
}

test('a token in the query counts, unless that is switched off', async () => {
  await using on = await testServer([who('access-token')])
  assert.equal((await on.call('GET', `${PATH}?access_token=alice`)).status, 200)
  await using off = await testServer([who('access-token')], { queryTokens: false })
  assert.equal((await off.call('GET', `${PATH}?access_token=alice`)).json.errcode, 'M_MISSING_TOKEN')
})

test('a token in the query does not reach the handler', async () => {
  const showQuery = route(endpoint('GET', PATH, { auth: 'access-token', response: jsonObject(), spec: '' }), async ({ query }) =>
    respond(200, { ...query }),
  )
  await using server = await testServer([showQuery])
  assert.deepEqual((await server.call('GET', `${PATH}?access_token=alice&a=b`)).json, { a: 'b' })
})

const SEND = '/_matrix/federation/v1/send/:txnId'
const signedPut = route(
  endpoint('PUT', SEND, {
    auth: 'server',
    params: Type.Object({ txnId: Type.String() }),
    body: Type.Object({ pdus: Type.Array(jsonObject()) }),
    response: jsonObject(),
    spec: '',
  }),
  tellWho,
)

test("what another server's signature covers reaches the authenticator as sent", async () => {
  const signed: SignedCall[] = []
  await using server = await testServer([signedPut], { authenticators: authenticators({}, signed) })
  const answer = await server.call('PUT', '/_matrix/federation/v1/send/a%2Fb?x=1', {
    headers: { authorization: ['X-Matrix key=1', 'X-Matrix key=2'] },
    body: { pdus: [] },
  })
  assert.deepEqual(answer.json, { who: 'remote.example.org' })
  assert.deepEqual(signed, [
    {
      authorization: ['X-Matrix key=1', 'X-Matrix key=2'],
      method: 'PUT',
      uri: '/_matrix/federation/v1/send/a%2Fb?x=1',
      content: { pdus: [] },
      bodyText: '{"pdus":[]}',
    },
  ])
})

test('a server that does not sign is refused', async () => {
  await using server = await testServer([signedPut])
  const answer = await server.call('PUT', '/_matrix/federation/v1/send/1', { body: { pdus: [] } })
  assert.deepEqual([answer.status, answer.json.errcode], [401, 'M_UNAUTHORIZED'])
})

const CALL: ClientCall = { address: '192.0.2.1', userAgent: undefined, routePath: undefined }
/** Knows Alice's token, and another one that has expired. */
const client = async (token: string) => {
  if (token === 'expired') throw unknownToken('The access token has expired', { soft_logout: true })
  return authenticators({ alice: ALICE }).client(token, CALL)
}

const limited = route(
  endpoint('GET', PATH, { auth: 'access-token', rateLimit: 'message', response: jsonObject(), spec: '' }),
  tellWho,
)

test('who calls too often is told when to come back', async () => {
  const rateLimiter = new RateLimiter({ ...LIMITS, enabled: true }, { now: () => 0 })
  await using server = await testServer([limited], { rateLimiter })
  for (let i = 0; i < LIMITS.message.burst; i++) assert.equal((await server.call('GET', PATH, { token: 'alice' })).status, 200)
  const answer = await server.call('GET', PATH, { token: 'alice' })
  assert.deepEqual([answer.status, answer.json.errcode, answer.json.retry_after_ms], [429, 'M_LIMIT_EXCEEDED', 1000])
  assert.equal(answer.headers['retry-after'], '1')
  assert.ok(server.lines.some(({ fields }) => fields.limiter === 'message' && fields.key === '@alice:example.org'))
})

test('a device gone wild leaves room for the others of its user, whose limit holds for all of them', async () => {
  const device = { perSecond: 1, burst: 2 }
  const rateLimiter = new RateLimiter({ ...LIMITS, device, enabled: true }, { now: () => 0 })
  const bearers = { phone: { ...ALICE, deviceId: 'PHONE' as DeviceId }, laptop: { ...ALICE, deviceId: 'LAPTOP' as DeviceId } }
  await using server = await testServer([limited], { rateLimiter, authenticators: authenticators(bearers) })
  const statuses = async (token: string, count: number) => {
    const answers: number[] = []
    for (let i = 0; i < count; i++) answers.push((await server.call('GET', PATH, { token })).status)
    return answers
  }
  assert.deepEqual(await statuses('phone', 4), [200, 200, 429, 429])
  assert.deepEqual(await statuses('laptop', 2), [200, 429])
  const limiters = server.lines.filter(({ message }) => message === 'Rate limit exceeded').map(({ fields }) => fields.limiter)
  // Of those in a row the first.
  assert.deepEqual(limiters, ['device', 'message'])
})

test('made up tokens are limited by their address, and hold up nobody who has a good one', async () => {
  const rateLimiter = new RateLimiter({ ...LIMITS, enabled: true }, { now: () => 0 })
  await using server = await testServer([limited], {
    rateLimiter,
    authenticators: { ...authenticators({}), client },
    trustedProxies: ['127.0.0.1'],
  })
  const answers = async (address: string, ...tokens: string[]) => {
    const errcodes: unknown[] = []
    for (const token of tokens) {
      const { json } = await server.call('GET', PATH, { token, headers: { 'x-forwarded-for': address } })
      errcodes.push(json.errcode ?? json.who)
    }
    return errcodes
  }
  const guesses = ['a', 'b', 'c', 'd', 'e', 'f']
  const [unknown, limit] = ['M_UNKNOWN_TOKEN', 'M_LIMIT_EXCEEDED']
  assert.deepEqual(await answers('192.0.2.1', ...guesses), [unknown, unknown, unknown, limit, limit, limit])
  assert.deepEqual(await answers('192.0.2.1', 'alice', 'expired'), [ALICE.userId, unknown])
  assert.deepEqual(await answers('192.0.2.2', 'a'), [unknown])
  const told = server.lines.filter(({ message }) => message === 'Rate limit exceeded').map(({ fields }) => fields)
  assert.deepEqual(
    told.map(({ limiter, key }) => [limiter, key]),
    [['unknown-token', '192.0.2.1']],
  )
})

for (const [name, headers] of [
  ['announced', {}],
  ['that comes in chunks', { 'transfer-encoding': 'chunked' }],
] as const)
  test(`a long body ${name} counts as many calls`, async () => {
    const device = { perSecond: 10, burst: 3 }
    const rateLimiter = new RateLimiter({ ...LIMITS, device, enabled: true }, { now: () => 0 })
    const taking = route(
      endpoint('PUT', PATH, { auth: 'access-token', rateLimit: 'message', body: jsonObject(), response: jsonObject(), spec: '' }),
      tellWho,
    )
    await using server = await testServer([taking], {
      rateLimiter,
      authenticators: authenticators({ phone: { ...ALICE, deviceId: 'PHONE' as DeviceId } }),
    })
    const put = (length: number) => server.call('PUT', PATH, { token: 'phone', headers, body: { text: 'x'.repeat(length) } })
    assert.equal((await put(10)).status, 200)
    assert.equal((await put(100_000)).status, 200)
    const answer = await put(10)
    // One of the three is left, but for the six that the long one counts.
    assert.deepEqual([answer.status, answer.json.retry_after_ms], [429, 600])
  })

for (const [address, neighbour, stranger] of [
  ['2001:db8:1:2:3:4:5:6', '2001:0db8:0001:2::1', '2001:db8:1:3::1'],
  ['2001:db8::1', '2001:db8:0:0:ffff::', '2001:db8:0:1::'],
  ['::1', '::', '1::'],
  ['192.0.2.1', '192.0.2.1', '192.0.2.2'],
] as const)
  test(`${address} shares its limits with ${neighbour}, and not with ${stranger}`, () => {
    assert.equal(networkOf(address), networkOf(neighbour))
    assert.notEqual(networkOf(address), networkOf(stranger))
  })

test('a long answer counts as many calls', async () => {
  const device = { perSecond: 10, burst: 3 }
  const rateLimiter = new RateLimiter({ ...LIMITS, device, enabled: true }, { now: () => 0 })
  const telling = route(
    endpoint('GET', PATH, { auth: 'access-token', rateLimit: 'message', response: jsonObject(), spec: '' }),
    async ({ query }) => rawJson(['{"text":"', 'x'.repeat(Number((query as { length?: string }).length)), '"}']),
  )
  await using server = await testServer([telling], {
    rateLimiter,
    authenticators: authenticators({ phone: { ...ALICE, deviceId: 'PHONE' as DeviceId } }),
  })
  const get = (length: number) => server.call('GET', `${PATH}?length=${length}`, { token: 'phone' })
  assert.equal((await get(1_000_000)).status, 200)
  assert.equal((await get(5 * 1024 * 1024)).status, 200)
  const answer = await get(10)
  // One of the three is left, but for the five that the long one counts.
  assert.deepEqual([answer.status, answer.json.retry_after_ms], [429, 500])
})

test('a limit of their own holds for a user, and for all they do from one device', async () => {
  const rateLimiter = new RateLimiter({ ...LIMITS, device: { perSecond: 1, burst: 1 }, enabled: true }, { now: () => 0 })
  const bot = { ...ALICE, deviceId: 'BOT' as DeviceId, messageLimit: { perSecond: 100, burst: 5 } }
  await using server = await testServer([limited], { rateLimiter, authenticators: authenticators({ bot }) })
  for (let i = 0; i < 5; i++) assert.equal((await server.call('GET', PATH, { token: 'bot' })).status, 200)
  assert.equal((await server.call('GET', PATH, { token: 'bot' })).json.retry_after_ms, 10)
})

test('who is exempt is not limited', async () => {
  const rateLimiter = new RateLimiter({ ...LIMITS, enabled: true }, { now: () => 0 })
  const options = { rateLimiter, authenticators: authenticators({ bot: { ...ALICE, unlimited: true } }) }
  await using server = await testServer([limited], options)
  for (let i = 0; i < 10; i++) assert.equal((await server.call('GET', PATH, { token: 'bot' })).status, 200)
})
