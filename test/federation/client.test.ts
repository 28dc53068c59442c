import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { endpoint } from '../../schemas/endpoint.ts'
import type { ServerName } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import { MatrixError } from '../../src/core/errors.ts'
import { FederationError } from '../../src/federation/errors.ts'
import { ServerResolver } from '../../src/federation/resolve-server.ts'
import { numberOf } from '../../src/protocol/strict-json.ts'
import { parseXMatrix, requestToSign, verifyRequest } from '../../src/protocol/xmatrix.ts'
import { verifyKeyFrom } from '../../src/protocol/signing.ts'
import { FakeClock } from '../support/clock.ts'
import { localFederation, type LocalOptions, NO_DNS, OUR_NAME } from '../support/federation.ts'
import { federationLab, type ReceivedRequest, type Reply } from '../support/remote-server.ts'

const tell = endpoint('PUT', '/_matrix/federation/v1/tell/:roomId/:eventId', {
  auth: 'server',
  params: Type.Object({ roomId: Type.String(), eventId: Type.String() }),
  query: Type.Object({ ver: Type.Optional(Type.Array(Type.String())), wait: Type.Optional(Type.Boolean()) }),
  body: Type.Unsafe<{ [key: string]: Json }>(Type.Object({})),
  response: Type.Object({ heard: Type.Integer() }),
  spec: '',
})
const look = endpoint('GET', '/look', { auth: 'none', response: Type.Unsafe<{ big?: Json }>(Type.Object({})), spec: '' })

const roomId = '!a/b:hs.test'
const eventId = '$x+y#z é'
const input = { params: { roomId, eventId }, body: {} }
const PATH = '/_matrix/federation/v1/tell/!a%2Fb%3Ahs.test/%24x%2By%23z%20%C3%A9'

async function setUp(options: LocalOptions = {}, name = 'remote.test') {
  const lab = await federationLab()
  const remote = await lab.server(name)
  const clock = new FakeClock()
  const ours = localFederation(lab, { clock, ...options })
  const say = (reply: Reply) => remote.on('PUT', /./, () => reply)
  say({ body: { heard: 1 } })
  const call = () => ours.client.call(tell, remote.name, input)
  const failure = async () => {
    const error = await call().then(
      () => undefined,
      (cause: unknown) => cause,
    )
    assert.ok(error instanceof FederationError, String(error))
    return error
  }
  return { lab, remote, clock, ours, say, call, failure, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

function assertSignedByUs(request: ReceivedRequest | undefined, destination: ServerName, publicKey: string): void {
  assert.ok(request)
  const header = parseXMatrix(request.headers.authorization ?? '')
  const key = verifyKeyFrom(publicKey)
  assert.ok(header && key)
  assert.equal(header.destination, destination)
  const content = request.body === '' ? undefined : JSON.parse(request.body)
  assert.ok(verifyRequest(requestToSign(request.method, request.url, OUR_NAME, destination, content), header, key))
}

test('a call is addressed, encoded, signed, and its answer is given', async () => {
  await using hs = await setUp()
  const body = { pdus: [{ é: '\u{1f600}' }] }
  const query = { ver: ['1', '1 & 2'], wait: true }
  assert.deepEqual(await hs.ours.client.call(tell, hs.remote.name, { params: { roomId, eventId }, query, body }), { heard: 1 })
  const [request] = hs.remote.requests
  assert.equal(request?.url, `${PATH}?ver=1&ver=1%20%26%202&wait=true`)
  assert.equal(request?.headers.host, 'remote.test')
  assert.equal(request?.headers['content-type'], 'application/json')
  assert.equal(request?.headers['user-agent'], 'Causeway/test')
  assertSignedByUs(request, hs.remote.name, hs.ours.own.signingKey.publicKey)
})

test('a server whose name has a port is called with it in the Host header', async () => {
  await using hs = await setUp({}, 'remote.test:1234')
  await hs.call()
  assert.equal(hs.remote.requests[0]?.headers.host, 'remote.test:1234')
})

test('a server whose name is an IP address must have a certificate for it', async () => {
  await using lab = await federationLab()
  const remote = await lab.server('127.0.0.1', ['127.0.0.1'])
  const other = await lab.server('127.0.0.1', ['other.test'])
  const { outbound } = lab
  const resolver = new ServerResolver({ outbound, clock: new FakeClock(), random: () => 1, hostOverrides: {}, dns: NO_DNS })
  const { client } = localFederation(lab, { resolver })
  remote.on('GET', '/look', () => ({}))
  other.on('GET', '/look', () => ({}))
  assert.deepEqual(await client.call(look, `127.0.0.1:${remote.port}` as ServerName), {})
  assert.equal(remote.requests[0]?.headers.host, remote.address)
  await assert.rejects(client.call(look, `127.0.0.1:${other.port}` as ServerName), { failure: 'unreachable' })
})

test('a server with a certificate for another name is not talked to', async () => {
  await using lab = await federationLab()
  const impostor = await lab.server('remote.test', ['other.test'])
  const { client } = localFederation(lab)
  await assert.rejects(client.call(look, 'remote.test' as ServerName), { failure: 'unreachable', status: 502 })
  assert.equal(impostor.requests.length, 0)
})

test('what needs no signature is called without', async () => {
  await using hs = await setUp()
  hs.remote.on('GET', '/look', () => ({ body: '{"big":123456789012345678901234567890,"unknown":1.0}' }))
  const answer = await hs.ours.client.call(look, hs.remote.name)
  assert.equal(hs.remote.requests[0]?.headers.authorization, undefined)
  assert.equal(numberOf(answer.big), 1.2345678901234568e29)
  assert.equal(JSON.stringify(answer), '{"big":123456789012345678901234567890,"unknown":1.0}')
})

test("an error keeps the other server's status and errcode, and only what concerns the client goes on to it", async () => {
  await using hs = await setUp()
  const cases: [number, Json, number, string][] = [
    [403, { errcode: 'M_FORBIDDEN', error: 'no' }, 403, 'M_FORBIDDEN'],
    [400, { errcode: 'M_UNABLE_TO_GRANT_JOIN', error: 'no' }, 400, 'M_UNABLE_TO_GRANT_JOIN'],
    [404, { errcode: 'M_NOT_FOUND', error: 'no' }, 404, 'M_NOT_FOUND'],
    [404, '<html>no</html>', 502, 'M_UNKNOWN'],
    [401, { errcode: 'M_UNKNOWN_TOKEN', error: 'no' }, 502, 'M_UNKNOWN'],
  ]
  for (const [status, body, ourStatus, ourErrcode] of cases) {
    hs.say({ status, body })
    const error = await hs.failure()
    assert.ok(error instanceof MatrixError)
    assert.deepEqual([error.failure, error.remoteStatus], ['refused', status])
    assert.deepEqual([error.status, error.errcode], [ourStatus, ourErrcode])
  }
  hs.say({ status: 400, body: { errcode: 'M_INCOMPATIBLE_ROOM_VERSION', error: 'no', room_version: '99' } })
  const { remoteErrcode, remoteBody } = await hs.failure()
  assert.deepEqual([remoteErrcode, remoteBody['room_version']], ['M_INCOMPATIBLE_ROOM_VERSION', '99'])
})

const malformed: [string, Reply][] = [
  ['no JSON', { body: '{"heard":' }],
  ['not as declared', { body: { heard: 'no number' } }],
  ['without what must be there', { body: {} }],
  ['no object', { body: [] }],
]
for (const [what, reply] of malformed) {
  test(`an answer that is ${what} is malformed`, async () => {
    await using hs = await setUp()
    hs.say(reply)
    const error = await hs.failure()
    assert.deepEqual([error.failure, error.status], ['malformed', 502])
    assert.equal(hs.ours.gate.failures(hs.remote.name), 0)
  })
}

test('an answer that is too large is not read', async () => {
  await using hs = await setUp()
  hs.say({ body: { heard: 1, padding: 'x'.repeat(2_000) } })
  await assert.rejects(hs.ours.client.call(tell, hs.remote.name, input, { maxBytes: 1_000 }), { failure: 'malformed' })
})

test('a server that fails is left alone until the gate opens, one that answers keeps it open', async () => {
  await using hs = await setUp()
  for (const status of [500, 502, 429]) {
    hs.say({ status, body: {} })
    assert.equal((await hs.failure()).failure, 'refused')
    const asked = hs.remote.requests.length
    assert.equal((await hs.failure()).failure, 'backing-off')
    assert.equal(hs.remote.requests.length, asked)
    hs.clock.later(60_000)
  }
  assert.equal(hs.ours.gate.failures(hs.remote.name), 3)
  hs.say({ status: 403, body: {} })
  await hs.failure()
  assert.equal(hs.ours.gate.failures(hs.remote.name), 0)
})

test('a server that is gone closes its gate; a sign of life opens it, and who must may pass', async () => {
  await using hs = await setUp()
  await hs.remote[Symbol.asyncDispose]()
  assert.equal((await hs.failure()).failure, 'unreachable')
  assert.equal((await hs.failure()).failure, 'backing-off')
  await assert.rejects(hs.ours.client.call(tell, hs.remote.name, input, { ignoreGate: true }), { failure: 'unreachable' })
  hs.ours.gate.alive(hs.remote.name)
  assert.equal((await hs.failure()).failure, 'unreachable')
})

test('a caller who gives up says nothing about the server', async () => {
  await using hs = await setUp()
  const controller = new AbortController()
  hs.remote.on('PUT', /./, () => {
    controller.abort()
    return new Promise(() => {})
  })
  await assert.rejects(hs.ours.client.call(tell, hs.remote.name, input, { signal: controller.signal }), { failure: 'aborted' })
  assert.equal(hs.ours.gate.failures(hs.remote.name), 0)
})

test('a server that does not answer in time is unreachable', async () => {
  await using hs = await setUp()
  hs.remote.on('PUT', /./, () => new Promise(() => {}))
  await assert.rejects(hs.ours.client.call(tell, hs.remote.name, input, { timeoutMs: 50 }), { failure: 'unreachable' })
  assert.equal(hs.ours.gate.failures(hs.remote.name), 1)
})

test('the next address is tried where the first does not answer', async () => {
  await using hs = await setUp()
  const gone = await hs.lab.server('gone.test')
  await gone[Symbol.asyncDispose]()
  const targets = [gone, hs.remote].map(({ port }) => ({ host: '127.0.0.1', port }))
  const resolver = { resolve: async () => ({ targets, servername: 'remote.test', hostHeader: 'remote.test' }) }
  const { client } = localFederation(hs.lab, { resolver })
  assert.deepEqual(await client.call(tell, hs.remote.name, input), { heard: 1 })
})

test('we do not call ourselves, nor servers that are not allowed', async () => {
  await using hs = await setUp({ mayCall: (server) => server !== 'remote.test' })
  assert.equal((await hs.failure()).failure, 'denied')
  await assert.rejects(hs.ours.client.call(look, OUR_NAME), { failure: 'denied' })
  assert.equal(hs.remote.requests.length, 0)
})

test('a server whose address makes no sense is unreachable', async () => {
  await using hs = await setUp()
  await assert.rejects(hs.ours.client.call(look, 'remote.test:99999' as ServerName), { failure: 'unreachable' })
})
