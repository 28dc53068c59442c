import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { Type } from 'typebox'
import { empty } from '../../schemas/definitions.ts'
import { endpoint, type Method } from '../../schemas/endpoint.ts'
import { forbidden } from '../../src/core/errors.ts'
import type { Observation } from '../../src/http/access-log.ts'
import { content, html, rawJson, redirect, respond } from '../../src/http/reply.ts'
import { type Handler, route } from '../../src/http/route.ts'
import { testServer } from './support.ts'

const PATH = '/_matrix/client/v3/thing'
const thing = (method: Method = 'GET') =>
  endpoint(method, PATH, { auth: 'none', response: Type.Object({ a: Type.Integer() }), spec: '' })
const serving = (handler: Handler<ReturnType<typeof thing>>, method: Method = 'GET') => [route(thing(method), handler)]

const abc = () => Readable.from([Buffer.from('ab'), Buffer.from('c')])

test('parts that are serialised already are sent as they are', async () => {
  await using server = await testServer(serving(async () => rawJson(['{"a":', Buffer.from('1'), ',"b":"é"}'])))
  const answer = await server.call('GET', PATH)
  assert.equal(answer.text, '{"a":1,"b":"é"}')
  assert.equal(answer.headers['content-length'], '16')
})

test('many large parts arrive in order', async () => {
  const parts = Array.from({ length: 50 }, (_, i) => Buffer.from(`${i}`.padStart(5000, ' ')))
  await using server = await testServer(serving(async () => rawJson(['{"a":1,"b":[', ...parts.flatMap((p) => [p, ',']), '0]}'])))
  const answer = await server.call('GET', PATH)
  assert.deepEqual(answer.json.b, [...Array.from({ length: 50 }, (_, i) => i), 0])
})

test('other statuses, pages, redirects and streams', async () => {
  await using status = await testServer(serving(async () => respond(401, { flows: [] })))
  assert.equal((await status.call('GET', PATH)).status, 401)
  await using page = await testServer(serving(async () => html('<p>')))
  assert.equal((await page.call('GET', PATH)).headers['content-type'], 'text/html; charset=utf-8')
  await using elsewhere = await testServer(serving(async () => redirect('https://example.org/')))
  const redirected = await elsewhere.call('GET', PATH)
  assert.deepEqual([redirected.status, redirected.headers.location], [302, 'https://example.org/'])
  await using streamed = await testServer(serving(async () => content(abc(), { 'Content-Type': 'text/plain' })))
  assert.equal((await streamed.call('GET', PATH)).text, 'abc')
})

test('HEAD is GET without the body', async () => {
  await using server = await testServer(serving(async () => ({ a: 1 })))
  const answer = await server.call('HEAD', PATH)
  assert.deepEqual([answer.status, answer.text, answer.headers['content-length']], [200, '', '7'])
})

test('OPTIONS is answered everywhere and runs nothing', async () => {
  await using server = await testServer(serving(async () => assert.fail('the handler ran')))
  for (const path of [PATH, '/nowhere']) {
    const answer = await server.call('OPTIONS', path)
    assert.equal(answer.status, 204)
    assert.equal(answer.headers['access-control-allow-methods'], 'GET, POST, PUT, DELETE, OPTIONS')
    assert.equal(answer.headers['access-control-allow-headers'], 'X-Requested-With, Content-Type, Authorization')
  }
})

test('an unknown path is 404, a wrong method 405, both M_UNRECOGNIZED', async () => {
  await using server = await testServer(serving(async () => ({ a: 1 })))
  const calls: [string, string, number][] = [
    ['GET', '/_matrix/client/v3/nothing', 404],
    ['GET', `${PATH}/`, 404],
    ['GET', '/', 404],
    ['POST', PATH, 405],
    ['PATCH', PATH, 405],
    ['PATCH', '/nowhere', 404],
  ]
  for (const [method, path, status] of calls) {
    const answer = await server.call(method, path)
    assert.deepEqual([answer.status, answer.json.errcode], [status, 'M_UNRECOGNIZED'], `${method} ${path}`)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
  }
})

test('a MatrixError is the answer', async () => {
  await using server = await testServer(
    serving(async () => {
      throw forbidden('No', { 'org.example': 1 })
    }),
  )
  const answer = await server.call('GET', PATH)
  assert.deepEqual([answer.status, answer.json], [403, { errcode: 'M_FORBIDDEN', error: 'No', 'org.example': 1 }])
})

test('any other error is logged in full and answered without a word about it', async () => {
  const mistake = new Error('the password is swordfish')
  await using server = await testServer(
    serving(async () => {
      throw mistake
    }),
  )
  const answer = await server.call('GET', PATH)
  assert.deepEqual([answer.status, answer.json.errcode], [500, 'M_UNKNOWN'])
  assert.ok(String(answer.json.error).includes(String(answer.headers['x-request-id'])))
  assert.ok(!answer.text.includes('swordfish'))
  const line = server.lines.find(({ level }) => level === 'error')
  assert.equal(line?.fields.err, mistake)
})

test('an answer that is not as declared is loud in tests', async () => {
  for (const [wrong, what] of [
    [rawJson('{"a":"x"}'), "'/a' must be integer"],
    [rawJson(['{', Buffer.from('}')]), "it has no 'a'"],
  ] as const) {
    await using server = await testServer(serving(async () => wrong))
    assert.equal((await server.call('GET', PATH)).status, 500)
    assert.deepEqual(server.mistakes, [`The answer of GET ${PATH} is not as declared: ${what}`])
    assert.ok(server.lines.some(({ level, fields }) => level === 'error' && String(fields.err).includes(what)))
    await using production = await testServer(
      serving(async () => wrong),
      { onUndeclared: undefined },
    )
    assert.equal((await production.call('GET', PATH)).status, 200)
  }
})

test('an answer that cannot be written is a 500 and is logged', async () => {
  await using server = await testServer(serving(async () => content('', { 'Content-Type': 'a\nb' })))
  assert.equal((await server.call('GET', PATH)).status, 500)
  assert.ok(server.lines.some(({ level }) => level === 'error'))
})

test('the access log names the declared path, and no secrets', async () => {
  const seen: Observation[] = []
  const whoami = route(
    endpoint('GET', '/_matrix/client/v3/user/:userId', { auth: 'access-token', response: empty(), spec: '' }),
    async () => ({}),
  )
  await using server = await testServer([whoami], { onRequest: (observation) => void seen.push(observation) })
  await server.call('GET', '/_matrix/client/v3/user/@secret:example.org?access_token=alice&key=hush')
  const line = server.lines.find(({ message }) => message === 'Answered')
  assert.equal(line?.fields.route, '/_matrix/client/v3/user/:userId')
  assert.equal(line?.fields.status, 200)
  assert.equal(line?.fields.user, '@alice:example.org')
  assert.ok(!/hush|secret|access_token/.test(JSON.stringify(server.lines)))
  assert.deepEqual(
    seen.map(({ route: path, status }) => [path, status]),
    [['/_matrix/client/v3/user/:userId', 200]],
  )
})

test('an upload is a stream with a bound', async () => {
  const upload = endpoint('POST', PATH, {
    auth: 'none',
    maxBody: 10,
    response: Type.Object({ length: Type.Integer() }),
    spec: '',
  })
  const onUpload = route(upload, async (request) => ({ length: (await text(request.stream())).length }))
  await using server = await testServer([onUpload])
  assert.deepEqual((await server.call('POST', PATH, { body: '0123456789' })).json, { length: 10 })
  const refused = await server.call('POST', PATH, { body: '0123456789a' })
  assert.deepEqual([refused.status, refused.json.errcode], [413, 'M_TOO_LARGE'])
})
