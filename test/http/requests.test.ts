import assert from 'node:assert/strict'
import test from 'node:test'
import { Type } from 'typebox'
import { jsonObject, natural } from '../../schemas/definitions.ts'
import { endpoint } from '../../schemas/endpoint.ts'
import { roomId } from '../../schemas/ids.ts'
import { respond } from '../../src/http/reply.ts'
import { route } from '../../src/http/route.ts'
import { testServer } from './support.ts'

const echoOf = { response: jsonObject(), spec: '' }

const put = endpoint('PUT', '/_matrix/client/v3/rooms/:roomId/thing/:key', {
  ...echoOf,
  auth: 'none',
  maxBody: 1000,
  params: Type.Object({ roomId: roomId(), key: Type.String() }),
  body: Type.Object({
    name: Type.String(),
    count: Type.Optional(natural()),
    nested: Type.Optional(Type.Object({ a: Type.String() })),
  }),
})
const onPut = route(put, async ({ params, body, bodyText }) =>
  respond(200, { ...params, keys: Object.keys(body), text: bodyText }),
)

const search = endpoint('GET', '/_matrix/client/v3/search', {
  ...echoOf,
  auth: 'none',
  query: Type.Object({
    from: Type.String(),
    limit: Type.Optional(natural()),
    full: Type.Optional(Type.Boolean()),
    via: Type.Optional(Type.Array(Type.String())),
    dir: Type.Optional(Type.Enum(['b', 'f'])),
  }),
})
const onSearch = route(search, async ({ query }) => respond(200, { ...query }))

const leave = endpoint('POST', '/_matrix/client/v3/leave', { ...echoOf, auth: 'none', body: jsonObject(), bodyOptional: true })
const onLeave = route(leave, async ({ body }) => body)

const routes = [onPut, onSearch, onLeave]
const THING = '/_matrix/client/v3/rooms/!room%3Aexample.org/thing/key'

test('a small PUT is parsed and answered', async () => {
  await using server = await testServer(routes)
  const answer = await server.call('PUT', THING, { body: '{"name": "x"}' })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json, { roomId: '!room:example.org', key: 'key', keys: ['name'], text: '{"name": "x"}' })
  assert.equal(answer.headers['content-type'], 'application/json')
  assert.equal(answer.headers['access-control-allow-origin'], '*')
  assert.match(String(answer.headers['x-request-id']), /^[A-Za-z]{4}-[0-9a-z]+$/)
})

const DECODED: [escaped: string, key: string][] = [
  ['a%2Fb', 'a/b'],
  ['a%2fb%25', 'a/b%'],
  ['%252F', '%2F'],
  ['%23room', '#room'],
  ['a+b', 'a+b'],
  ['%3F%3D%26', '?=&'],
  ['%F0%9F%98%80', '\u{1F600}'],
  ['%E4%BD%A0%2F', '你/'],
]
for (const [escaped, key] of DECODED) {
  test(`${escaped} in the path is ${key}`, async () => {
    await using server = await testServer(routes)
    const answer = await server.call('PUT', THING.replace('/key', `/${escaped}`), { body: { name: 'x' } })
    assert.equal(answer.json.key, key)
  })
}

for (const broken of ['%', '%2', '%zz', '%FF', '%C3%28', 'a%ED%A0%80b']) {
  test(`${broken} in the path is refused`, async () => {
    await using server = await testServer(routes)
    const answer = await server.call('PUT', THING.replace('/key', `/${broken}`), { body: { name: 'x' } })
    assert.deepEqual([answer.status, answer.json.errcode], [400, 'M_INVALID_PARAM'])
  })
}

test('a path parameter of the wrong form is refused', async () => {
  await using server = await testServer(routes)
  const answer = await server.call('PUT', THING.replace('!room', 'room'), { body: { name: 'x' } })
  assert.deepEqual([answer.status, answer.json.errcode], [400, 'M_INVALID_PARAM'])
  assert.match(String(answer.json.error), /roomId/)
})

const BAD_BODIES: [what: string, body: string | Buffer, status: number, errcode: string][] = [
  ['no JSON', 'name=x', 400, 'M_NOT_JSON'],
  ['an empty body', '', 400, 'M_NOT_JSON'],
  ['cut-off JSON', '{"name": "x"', 400, 'M_NOT_JSON'],
  ['a special number', '{"name": NaN}', 400, 'M_NOT_JSON'],
  ['bytes that are no UTF-8', Buffer.from('{"name": "\x81"}', 'latin1'), 400, 'M_NOT_JSON'],
  ['an array', '[]', 400, 'M_BAD_JSON'],
  ['null', 'null', 400, 'M_BAD_JSON'],
  ['a wrong type', '{"name": 1}', 400, 'M_BAD_JSON'],
  ['a number beyond the safe integers', '{"name": "x", "count": 9007199254740992}', 400, 'M_BAD_JSON'],
  ['a fraction', '{"name": "x", "count": 1.5}', 400, 'M_BAD_JSON'],
  ['a missing key', '{"count": 1}', 400, 'M_MISSING_PARAM'],
  ['a missing key further down', '{"name": "x", "nested": {}}', 400, 'M_BAD_JSON'],
  ['too large a body', JSON.stringify({ name: 'x'.repeat(1000) }), 413, 'M_TOO_LARGE'],
]
for (const [what, body, status, errcode] of BAD_BODIES) {
  test(`${what} is refused with ${status} ${errcode}`, async () => {
    await using server = await testServer(routes)
    const answer = await server.call('PUT', THING, { body })
    assert.deepEqual([answer.status, answer.json.errcode], [status, errcode])
  })
}

test('the missing key is named', async () => {
  await using server = await testServer(routes)
  assert.match(String((await server.call('PUT', THING, { body: {} })).json.error), /'name'/)
})

test('brackets inside strings are no nesting', async () => {
  await using server = await testServer(routes)
  const name = `${'[{'.repeat(80)}\\"[\\\\`
  assert.equal((await server.call('PUT', THING, { body: { name } })).status, 200)
})

test('unknown keys are kept, __proto__ too', async () => {
  await using server = await testServer(routes)
  const answer = await server.call('PUT', THING, { body: '{"__proto__": {"a": 1}, "name": "x", "org.example": [1.5]}' })
  assert.deepEqual(answer.json.keys, ['__proto__', 'name', 'org.example'])
})

test('a body that is announced as far too large is refused before it is sent', async () => {
  await using server = await testServer(routes)
  const answer = await server.call('PUT', THING, { headers: { 'content-length': '999999999' } })
  assert.deepEqual([answer.status, answer.headers.connection], [413, 'close'])
})

test('an optional body may be missing', async () => {
  await using server = await testServer(routes)
  const answer = await server.call('POST', '/_matrix/client/v3/leave')
  assert.deepEqual([answer.status, answer.text], [200, '{}'])
})

test('query values are converted by the declaration', async () => {
  await using server = await testServer(routes)
  const answer = await server.call(
    'GET',
    '/_matrix/client/v3/search?from=s1%20&limit=20&full=true&via=a&via=b&dir=b&org.x=1&from=s2',
  )
  assert.deepEqual(answer.json, { from: 's1 ', limit: 20, full: true, via: ['a', 'b'], dir: 'b', 'org.x': '1' })
})

const BAD_QUERIES: [query: string, errcode: string][] = [
  ['', 'M_MISSING_PARAM'],
  ['?limit=1', 'M_MISSING_PARAM'],
  ['?from=a&limit=hello', 'M_INVALID_PARAM'],
  ['?from=a&limit=', 'M_INVALID_PARAM'],
  ['?from=a&limit=-2', 'M_INVALID_PARAM'],
  ['?from=a&limit=0x10', 'M_INVALID_PARAM'],
  ['?from=a&full=yes', 'M_INVALID_PARAM'],
  ['?from=a&dir=up', 'M_INVALID_PARAM'],
]
for (const [query, errcode] of BAD_QUERIES) {
  test(`the query '${query}' is refused with ${errcode}`, async () => {
    await using server = await testServer(routes)
    const answer = await server.call('GET', `/_matrix/client/v3/search${query}`)
    assert.deepEqual([answer.status, answer.json.errcode], [400, errcode])
  })
}
